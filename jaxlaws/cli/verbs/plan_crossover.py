"""`jaxlaws plan crossover`: the budgets at which the better method changes."""

import functools

import click

from jaxlaws.annotations import Array
from jaxlaws.cli.options.common_options import verb
from jaxlaws.cli.options.parameter_types import SWEEP
from jaxlaws.cli.options.plan_options import (
    PlanOptions,
    ScenarioName,
    inference_option,
    plan_options,
    scenario_of,
    scenario_option,
    students_option,
)


@verb("crossover", example="jaxlaws plan crossover --student 300M")
@click.option(
    "--student",
    type=SWEEP,
    required=True,
    help="Parameters of the student, or low:high:count for a sweep.",
)
@scenario_option
@students_option
@inference_option
@plan_options
def command(
    options: PlanOptions,
    student: Array,
    scenario: ScenarioName,
    students: int,
    inference_tokens: float,
) -> None:
    """Compute the budgets, from 1e17 to 1e28 FLOPs, at which the better method changes.

    The methods are training alone and distilling. Both make a model of the student's size with
    the same budget.
    """
    from jaxlaws import planning
    from jaxlaws.cli.answers.pipeline import answer
    from jaxlaws.cli.answers.plans.crossover import CrossoverBudgets

    inputs = {
        "num_student_params": student,
        "num_students": float(students),
        "num_inference_tokens": inference_tokens,
    }
    question = functools.partial(
        planning.crossover, scenario=scenario_of(scenario), forward_flops=options.forward_flops
    )
    kind = CrossoverBudgets("distil or train alone?", scenario)
    answer(kind, question, inputs, options.source, options)
