"""`jaxlaws plan frontier`: loss against the cost of serving a token."""

import functools

import click

from jaxlaws.cli.options import plan_options as plan
from jaxlaws.cli.options.common_options import verb
from jaxlaws.cli.options.parameter_types import QUANTITY, SWEEP
from jaxlaws.foundations.annotations import Array


@verb("frontier", example="jaxlaws plan frontier --flops 1e21 --params 1e8:1e11:13")
@click.option("--flops", type=QUANTITY, required=True, help="The budget for training, in FLOPs.")
@click.option(
    "--params", type=SWEEP, required=True, help="The sizes, low:high:count, such as 1e8:1e11:31."
)
@plan.scenario
@plan.prices
@plan.common
def command(
    options: plan.PlanOptions,
    flops: float,
    params: Array,
    scenario: plan.ScenarioName,
    prices: tuple[tuple[str, float], ...],
) -> None:
    """Compute the loss that a training budget reaches for each size of the served model.

    For each size the better of training alone and distilling is taken. A size is Pareto-optimal if
    no smaller size reaches its loss.
    """
    if isinstance(params, float):
        raise click.UsageError("--params must be a sweep of sizes, such as 1e8:1e11:31")

    from jaxlaws.cli.answers.pipeline import answer
    from jaxlaws.cli.answers.plans.frontier import ServingFrontier
    from jaxlaws.planning import serving_frontier

    settings = {"scenario": plan.scenario_of(scenario), "forward_flops": options.forward_flops}
    settings = plan.with_costs(settings, prices)
    question = functools.partial(serving_frontier, num_params=params, **settings)
    answer(ServingFrontier(scenario), question, {"flops": flops}, options.source, options)
