"""`jaxlaws plan train`: one model, without a teacher."""

import functools

import click

from jaxlaws.annotations import Array
from jaxlaws.cli.options.common_options import verb
from jaxlaws.cli.options.parameter_types import SWEEP
from jaxlaws.cli.options.plan_options import (
    PlanOptions,
    crossed,
    flops_option,
    inference_option,
    plan_options,
    within_option,
)


@verb("train", example="jaxlaws plan train --law besiroglu2024 --flops 1e21")
@flops_option
@click.option("--params", type=SWEEP, help="Parameters of the model. Default: the best size.")
@click.option(
    "--unique-tokens",
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
@inference_option
@within_option
@plan_options
def command(
    options: PlanOptions,
    flops: Array,
    params: Array | None,
    unique_tokens: Array | None,
    shapes: bool,
    inference_tokens: float,
    within: float | None,
) -> None:
    """Compute the size and the tokens of least loss for a budget, or the tokens for a size."""
    chosen = {"--params": params, "--unique-tokens": unique_tokens, "--shapes": shapes or None}
    given = [name for name, value in chosen.items() if value is not None]
    if len(given) > 1:
        raise click.UsageError(f"give {' or '.join(given)}, not both")
    if within is not None and (shapes or unique_tokens is not None):
        raise click.UsageError(f"--within does not work with {given[0]}: leave out one of them")
    context = click.get_current_context()
    by_default = context.get_parameter_source("flops_model") is click.core.ParameterSource.DEFAULT
    if shapes and not by_default:
        raise click.UsageError("--shapes counts FLOPs for each matrix: leave out --flops-model")

    from jaxlaws import planning
    from jaxlaws.cli.answers.pipeline import answer
    from jaxlaws.cli.answers.plans.model_shapes import MODEL_SHAPES
    from jaxlaws.cli.answers.plans.near_optimal_range import size_and_tokens

    source = options.source.for_supervised_runs()
    inputs = crossed({"flops": flops, "num_params": params, "num_unique_tokens": unique_tokens})
    inputs["num_inference_tokens"] = inference_tokens
    if shapes:
        question = functools.partial(planning.optimal_shape)
        answer(MODEL_SHAPES, question, inputs, source, options)
        return
    title, planner = "compute-optimal training", planning.compute_optimal
    if params is not None:
        title, planner = "training at a fixed size", planning.train_fixed
    elif unique_tokens is not None:
        title, planner = "training on repeated data", planning.train_on_limited_data
    question = functools.partial(planner, forward_flops=options.forward_flops)
    answer(size_and_tokens(title, within), question, inputs, source, options)
