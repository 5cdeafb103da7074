"""`jaxlaws plan frontier`: loss against the cost of serving a token."""

import functools

import click
import numpy as np

from jaxlaws.annotations import Array
from jaxlaws.cli.options.common_options import verb
from jaxlaws.cli.options.parameter_types import QUANTITY, SWEEP
from jaxlaws.cli.options.plan_options import (
    PlanOptions,
    ScenarioName,
    plan_options,
    scenario_of,
    scenario_option,
)


@verb("frontier", example="jaxlaws plan frontier --flops 1e21 --params 1e8:1e11:13")
@click.option("--flops", type=QUANTITY, required=True, help="The budget for training, in FLOPs.")
@click.option(
    "--params", type=SWEEP, required=True, help="The sizes, low:high:count, such as 1e8:1e11:31."
)
@scenario_option
@plan_options
def command(options: PlanOptions, flops: float, params: Array, scenario: ScenarioName) -> None:
    """Compute the loss that a training budget reaches for each size of the served model.

    For each size the better of training alone and distilling is taken. A size is efficient if no
    smaller size reaches its loss.
    """
    if np.ndim(params) == 0:
        raise click.UsageError("--params must be a sweep of sizes, such as 1e8:1e11:31")

    from jaxlaws import planning
    from jaxlaws.cli.answers.pipeline import answer
    from jaxlaws.cli.answers.plans.frontier import ServingFrontier

    question = functools.partial(
        planning.serving_frontier,
        num_params=params,
        scenario=scenario_of(scenario),
        forward_flops=options.forward_flops,
    )
    answer(ServingFrontier(scenario), question, {"flops": flops}, options.source, options)
