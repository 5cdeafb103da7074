"""`jaxlaws plan train`: one model, without a teacher."""

from typing import Any

import click

from jaxlaws.cli.compilation_cache import keep_compiled
from jaxlaws.cli.options.law_source import Source, forward_flops
from jaxlaws.cli.options.parameter_types import SWEEP
from jaxlaws.cli.options.plan_options import common_options, crossed, within_option

_DEFAULT = click.core.ParameterSource.DEFAULT


@click.command("train")
@common_options
@click.option("--params", type=SWEEP, help="A fixed size: plan its tokens alone.")
@click.option(
    "--unique-tokens",
    type=SWEEP,
    help="Distinct tokens at hand, to be repeated; with a law of repeated data (muennighoff2023).",
)
@click.option(
    "--shapes",
    is_flag=True,
    help="Choose among shapes that can be built: width 128 times the layers, FLOPs counted matrix "
    "by matrix.",
)
@within_option
@click.pass_context
def command(
    context: click.Context,
    law_name: str,
    flops: Any,
    params: Any,
    unique_tokens: Any,
    shapes: bool,
    within: float | None,
    inference_tokens: float,
    flops_model: str,
    output: str | None,
    as_json: bool,
) -> None:
    """Train a model on its own: the best size and tokens, or the tokens for a size."""
    chosen = {"--params": params, "--unique-tokens": unique_tokens, "--shapes": shapes or None}
    given = [name for name, value in chosen.items() if value is not None]
    if len(given) > 1:
        raise click.UsageError(f"give {' or '.join(given)}, not both")
    if within is not None and (shapes or unique_tokens is not None):
        raise click.UsageError(f"--within is not known with {given[0]}: leave out one of them")
    if shapes and context.get_parameter_source("flops_model") is not _DEFAULT:
        raise click.UsageError("--shapes counts FLOPs matrix by matrix: leave out --flops-model")
    keep_compiled()
    from jaxlaws import planning
    from jaxlaws.cli.answers.model_shapes import answer_with_shapes
    from jaxlaws.cli.answers.plan_or_sweep import answer

    source = Source(law_name).for_supervised_runs()
    served = {"num_inference_tokens": inference_tokens}
    if shapes:
        answer_with_shapes({"flops": flops, **served}, source, as_json=as_json, output=output)
        return
    title, planner, fixed = "compute-optimal training", planning.compute_optimal, {}
    if params is not None:
        title, planner = "training at a fixed size", planning.train_fixed
        fixed = {"num_params": params}
    elif unique_tokens is not None:
        title, planner = "training on repeated data", planning.train_on_limited_data
        fixed = {"num_unique_tokens": unique_tokens}
    answer(
        title,
        planner,
        {**crossed(flops=flops, **fixed), **served},
        {"forward_flops": forward_flops(flops_model, source)},
        source,
        within=within,
        as_json=as_json,
        output=output,
    )
