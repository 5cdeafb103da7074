"""`jaxlaws plan train`: one model, without a teacher."""

import functools
from collections.abc import Callable, Mapping

import click

from jaxlaws.cli.options import plan_options as plan
from jaxlaws.cli.options.common_options import is_given, verb
from jaxlaws.cli.options.parameter_types import LONG_SWEEP, SWEEP
from jaxlaws.foundations.annotations import Array, Tree

# The options that choose a question besides --flops, by the names of the inputs.
_OPTIONS = {
    "num_params": "--params",
    "num_tokens": "--tokens",
    "target_loss": "--target-loss",
    "num_unique_tokens": "--unique-tokens",
    "size_fraction": "--size-fraction",
    "shapes": "--shapes",
}
# Which of them go together, for a budget and without one.
_WITH_BUDGET = (
    {"num_params"},
    {"num_unique_tokens"},
    {"num_params", "num_unique_tokens"},
    {"size_fraction"},
    {"shapes"},
)
_WITHOUT_BUDGET = (
    {"num_params"},
    {"num_tokens"},
    {"target_loss"},
    {"target_loss", "num_params"},
    {"target_loss", "num_unique_tokens"},
    {"target_loss", "num_params", "num_unique_tokens"},
)


@verb("train", example="jaxlaws plan train --law besiroglu2024 --flops 1e21")
@click.option(
    "--flops",
    type=LONG_SWEEP,
    help="The whole budget in FLOPs, or low:high:count for a sweep. Without --flops, --params, "
    "--tokens or --target-loss asks for the budget.",
)
@click.option(
    "--params",
    "num_params",
    type=SWEEP,
    help="Parameters of the model. Default: the best size. Without --flops: the tokens and the "
    "budget for which this size is compute-optimal.",
)
@click.option(
    "--tokens",
    "num_tokens",
    type=SWEEP,
    help="Without --flops: the size and the budget for which this number of tokens is "
    "compute-optimal.",
)
@plan.target_loss
@click.option(
    "--size-fraction",
    type=SWEEP,
    help="A model of this fraction of the compute-optimal size for --flops, such as 0.5, that "
    "reaches the same loss, and what it costs.",
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
@plan.prices
@plan.within
@plan.common
def command(
    options: plan.PlanOptions,
    shapes: bool,
    prices: tuple[tuple[str, float], ...],
    within: float | None,
    **inputs: Array | None,
) -> None:
    """Compute the size and the tokens of least loss for a budget, or the tokens for a size.

    Without a budget: the budget for which a size or a number of tokens is compute-optimal, or the
    least budget that reaches a loss.
    """
    given = {name for name in _OPTIONS if inputs.get(name) is not None}
    given |= {"shapes"} if shapes else set()
    _check(given, inputs, within)
    if shapes and is_given("flops_model"):
        raise click.UsageError("--shapes counts FLOPs for each matrix: leave out --flops-model")

    from jaxlaws.cli.answers.pipeline import answer
    from jaxlaws.cli.answers.plans.model_shapes import MODEL_SHAPES
    from jaxlaws.cli.answers.plans.size_and_tokens import SizeAndTokens
    from jaxlaws.cli.answers.plans.smaller_model import SMALLER_MODEL

    title, question = _question(given, has_budget=inputs["flops"] is not None)
    kind = SizeAndTokens(title, within)
    if shapes:
        kind = MODEL_SHAPES
    elif "size_fraction" in given:
        kind = SMALLER_MODEL
        inputs.pop("num_inference_tokens")
    settings = {} if shapes else {"forward_flops": options.forward_flops}
    settings = plan.with_costs(settings, prices)
    source = options.source.for_supervised_runs()
    answer(kind, functools.partial(question, **settings), inputs, source, options)


def _check(given: set[str], inputs: Mapping[str, Array | None], within: float | None) -> None:
    """Check that the options belong to one question.

    Raises:
        UsageError: they do not; the message gives the remedy.
    """
    named = " and ".join(option for name, option in _OPTIONS.items() if name in given)
    if inputs["flops"] is None:
        if not given & {"num_params", "num_tokens", "target_loss"}:
            raise click.UsageError(
                "give a budget with --flops; or ask for the budget with --params, --tokens or "
                "--target-loss"
            )
        if given not in _WITHOUT_BUDGET:
            raise click.UsageError(f"without --flops, {named} do not go together: leave out one")
        if within is not None:
            raise click.UsageError("--within needs a budget, --flops")
        return
    if asks := given & {"num_tokens", "target_loss"}:
        option = _OPTIONS[min(asks)]
        raise click.UsageError(f"{option} asks for the budget: leave out --flops, or {option}")
    if given and given not in _WITH_BUDGET:
        raise click.UsageError(f"{named} exclude each other: give only one")
    if within is not None and given & {"shapes", "size_fraction"}:
        raise click.UsageError(f"--within does not work with {named}: leave out one of them")
    if "size_fraction" in given and inputs["num_inference_tokens"]:
        raise click.UsageError(
            "--size-fraction answers how many served tokens repay the model: leave out "
            "--inference-tokens"
        )


def _question(given: set[str], *, has_budget: bool) -> tuple[str, Callable[..., Tree]]:
    """The title of the answer, and the planning function."""
    from jaxlaws import planning

    if "shapes" in given:
        return "", planning.optimal_shape
    if "size_fraction" in given:
        return "", planning.overtraining_cost
    if "num_unique_tokens" in given:
        title, planner = "training on repeated data", planning.train_on_limited_data
        title += " at a fixed size" if "num_params" in given else ""
    elif not has_budget and "target_loss" not in given:
        return "the budget of a compute-optimal model", planning.optimal_budget
    elif "num_params" in given:
        title, planner = "training at a fixed size", planning.train_fixed
    else:
        title, planner = "compute-optimal training", planning.compute_optimal
    if has_budget:
        return title, planner
    title = f"the least budget for a loss, {title}"
    return title, functools.partial(planning.flops_to_reach, planner)
