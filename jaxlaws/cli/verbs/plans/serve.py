"""`jaxlaws plan serve`: the cheapest model over its life."""

import functools
from typing import TYPE_CHECKING

import click

from jaxlaws.cli.options import plan_options as plan
from jaxlaws.cli.options.common_options import verb
from jaxlaws.cli.options.parameter_types import (
    HARDWARE,
    LONG_SWEEP,
    SWEEP,
    SWEEP_OR_ZERO,
)
from jaxlaws.foundations.annotations import Array

if TYPE_CHECKING:
    from jaxlaws.planning import Hardware


@verb(
    "serve",
    example="jaxlaws plan serve --law besiroglu2024 --inference-tokens 10T --target-loss 2.0",
)
@click.option(
    "--inference-tokens",
    "num_inference_tokens",
    type=SWEEP_OR_ZERO,
    required=True,
    help="Tokens that the model serves over its life, or low:high:count for a sweep.",
)
@plan.target_loss
@click.option(
    "--flops",
    type=LONG_SWEEP,
    help="Instead of --target-loss: the budget for training and serving in FLOPs, or "
    "low:high:count.",
)
@click.option(
    "--dollars",
    type=SWEEP,
    help="Instead of --target-loss: the budget for training and serving in dollars, or "
    "low:high:count. Needs --train-on and --serve-on.",
)
@click.option(
    "--train-on",
    type=HARDWARE,
    help="Hardware for training: dollars an hour, peak FLOPs a second, and the fraction of the "
    "peak that is used, such as 2.5:1e15:0.45. Default: costs are FLOPs.",
)
@click.option("--serve-on", type=HARDWARE, help="Hardware for serving, written as for --train-on.")
@plan.common
def command(
    options: plan.PlanOptions,
    train_on: "Hardware | None",
    serve_on: "Hardware | None",
    **inputs: Array | None,
) -> None:
    """Compute the size and the tokens of a model with the lowest cost of training and serving.

    With --target-loss the model reaches a loss at the lowest cost; with --flops or --dollars it
    has the lowest loss for a budget. With --train-on and --serve-on costs are in dollars.
    """
    hardware = {"training": train_on, "serving": serve_on}
    given = {name for name in ("target_loss", "flops", "dollars") if inputs[name] is not None}
    in_money = None not in hardware.values()
    if not in_money and (train_on or serve_on or "dollars" in given):
        raise click.UsageError("a plan in dollars needs both --train-on and --serve-on")
    if in_money and given not in ({"target_loss"}, {"dollars"}):
        raise click.UsageError("in dollars, give either --target-loss or --dollars")
    if len(given) != 1:
        raise click.UsageError("give either --target-loss or --flops")

    from jaxlaws.cli.answers.pipeline import answer
    from jaxlaws.cli.answers.plans.serving_cost import SERVING_COST, serve_in_dollars
    from jaxlaws.cli.answers.plans.size_and_tokens import SizeAndTokens
    from jaxlaws.planning import serve

    question = functools.partial(serve_in_dollars, **hardware) if in_money else serve
    question = functools.partial(question, forward_flops=options.forward_flops)
    kind = SERVING_COST if in_money else SizeAndTokens("training and serving")
    answer(kind, question, inputs, options.source.for_supervised_runs(), options)
