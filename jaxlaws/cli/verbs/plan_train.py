"""`jaxlaws plan train`: one model, without a teacher."""

import functools

import click

from jaxlaws.cli.options import plan_options as plan
from jaxlaws.cli.options.common_options import verb
from jaxlaws.cli.options.parameter_types import SWEEP
from jaxlaws.foundations.annotations import Array


@verb("train", example="jaxlaws plan train --law besiroglu2024 --flops 1e21")
@plan.flops
@click.option(
    "--params", "num_params", type=SWEEP, help="Parameters of the model. Default: the best size."
)
@click.option(
    "--unique-tokens",
    "num_unique_tokens",
    type=SWEEP,
    help="Distinct tokens that are available and may be repeated; needs a law of repeated data "
    "such as muennighoff2023. Default: no limit.",
)
@click.option(
    "--shapes",
    is_flag=True,
    help="Choose among shapes with whole layers and heads: the width is 128 times the number of "
    "layers, and FLOPs are counted for each matrix. Default: any size.",
)
@plan.inference_tokens
@plan.within
@plan.common
def command(
    options: plan.PlanOptions, shapes: bool, within: float | None, **inputs: Array | None
) -> None:
    """Compute the size and the tokens of least loss for a budget, or the tokens for a size."""
    chosen = {
        "--params": inputs["num_params"] is not None,
        "--unique-tokens": inputs["num_unique_tokens"] is not None,
        "--shapes": shapes,
    }
    given = [name for name, is_given in chosen.items() if is_given]
    if len(given) > 1:
        raise click.UsageError(f"give {' or '.join(given)}, not both")
    if within is not None and given not in ([], ["--params"]):
        raise click.UsageError(f"--within does not work with {given[0]}: leave out one of them")
    if shapes and not options.default_flops_model:
        raise click.UsageError("--shapes counts FLOPs for each matrix: leave out --flops-model")

    from jaxlaws import planning
    from jaxlaws.cli.answers.pipeline import answer
    from jaxlaws.cli.answers.plans.model_shapes import MODEL_SHAPES
    from jaxlaws.cli.answers.plans.size_and_tokens import SizeAndTokens

    title, planner = {
        "": ("compute-optimal training", planning.compute_optimal),
        "--params": ("training at a fixed size", planning.train_fixed),
        "--unique-tokens": ("training on repeated data", planning.train_on_limited_data),
        "--shapes": ("", planning.optimal_shape),
    }["".join(given)]
    kind = MODEL_SHAPES if shapes else SizeAndTokens(title, within)
    settings = {} if shapes else {"forward_flops": options.forward_flops}
    source = options.source.for_supervised_runs()
    answer(kind, functools.partial(planner, **settings), inputs, source, options)
