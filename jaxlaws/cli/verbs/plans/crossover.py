"""`jaxlaws plan crossover`: the budgets at which the better method changes."""

import functools

import click

from jaxlaws.cli.options import plan_options as plan
from jaxlaws.cli.options.common_options import verb
from jaxlaws.cli.options.parameter_types import SWEEP
from jaxlaws.foundations.annotations import Array


@verb("crossover", example="jaxlaws plan crossover --student 300M")
@click.option(
    "--student",
    "num_student_params",
    type=SWEEP,
    required=True,
    help="Parameters of the student, or low:high:count for a sweep.",
)
@plan.scenario
@plan.students
@plan.inference_tokens
@plan.prices
@plan.common
def command(
    options: plan.PlanOptions,
    scenario: plan.ScenarioName,
    prices: tuple[tuple[str, float], ...],
    **inputs: Array,
) -> None:
    """Compute the budgets, from 1e17 to 1e28 FLOPs of training, at which the better method changes.

    The methods are training alone and distilling. Both make a model of the student's size with
    the same budget.
    """
    from jaxlaws.cli.answers.pipeline import answer
    from jaxlaws.cli.answers.plans.crossover import CrossoverBudgets
    from jaxlaws.planning import crossover

    settings = {"scenario": plan.scenario_of(scenario), "forward_flops": options.forward_flops}
    settings = plan.with_costs(settings, prices)
    kind = CrossoverBudgets(scenario)
    answer(kind, functools.partial(crossover, **settings), inputs, options.source, options)
