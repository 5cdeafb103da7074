"""`jaxlaws plan serve`: the cheapest model over its life."""

import functools
from typing import TYPE_CHECKING

import click

from jaxlaws.annotations import Array
from jaxlaws.cli.options.common_options import verb
from jaxlaws.cli.options.parameter_types import HARDWARE, SWEEP, SWEEP_OR_ZERO
from jaxlaws.cli.options.plan_options import PlanOptions, crossed, plan_options

if TYPE_CHECKING:
    from jaxlaws.planning import Hardware


@verb(
    "serve",
    example="jaxlaws plan serve --law besiroglu2024 --inference-tokens 10T --target-loss 2.0",
)
@click.option(
    "--inference-tokens",
    type=SWEEP_OR_ZERO,
    required=True,
    help="Tokens that the model serves over its life, or low:high:count for a sweep.",
)
@click.option(
    "--target-loss",
    type=SWEEP,
    help="Loss to reach at the lowest cost, in the unit of the law, or low:high:count.",
)
@click.option(
    "--flops",
    type=SWEEP,
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
@plan_options
def command(
    options: PlanOptions,
    inference_tokens: Array,
    target_loss: Array | None,
    flops: Array | None,
    dollars: Array | None,
    train_on: "Hardware | None",
    serve_on: "Hardware | None",
) -> None:
    """Compute the size and the tokens of a model with the lowest cost of training and serving.

    With --target-loss the model reaches a loss at the lowest cost; with --flops or --dollars it
    has the lowest loss for a budget. With --train-on and --serve-on costs are in dollars.
    """
    in_money = train_on is not None and serve_on is not None
    if not in_money and (train_on is not None or serve_on is not None or dollars is not None):
        raise click.UsageError("a plan in dollars needs both --train-on and --serve-on")
    if in_money and (flops is not None or (target_loss is None) == (dollars is None)):
        raise click.UsageError("in dollars, give either --target-loss or --dollars")
    if not in_money and (target_loss is None) == (flops is None):
        raise click.UsageError("give either --target-loss or --flops")

    from jaxlaws import planning
    from jaxlaws.cli.answers.pipeline import answer
    from jaxlaws.cli.answers.plans.serving_cost import ServingCost
    from jaxlaws.cli.answers.plans.size_and_tokens import SizeAndTokens

    goal = {"target_loss": target_loss, "flops": flops, "dollars": dollars}
    inputs = crossed({**goal, "num_inference_tokens": inference_tokens})
    kind, planner, hardware = SizeAndTokens("training and serving"), planning.serve, {}
    if in_money:
        kind, planner = ServingCost(), planning.serve_for_money
        hardware = {"training": train_on, "serving": serve_on}
    question = functools.partial(planner, **hardware, forward_flops=options.forward_flops)
    answer(kind, question, inputs, options.source.for_supervised_runs(), options)
