"""`jaxlaws plan compare`: train, overtrain or distil?"""

import functools

import click

from jaxlaws.annotations import Array
from jaxlaws.cli.options.common_options import verb
from jaxlaws.cli.options.parameter_types import SWEEP
from jaxlaws.cli.options.plan_options import (
    PlanOptions,
    ScenarioName,
    crossed,
    flops_option,
    inference_option,
    plan_options,
    scenario_of,
    scenario_option,
    students_option,
    teacher_options,
)


@verb("compare", example="jaxlaws plan compare --flops 1e21 --student 300M --inference-tokens 1T")
@flops_option
@click.option(
    "--student",
    type=SWEEP,
    help="Parameters of the largest model that may be served. Default: the size of least loss "
    "once serving is paid.",
)
@inference_option
@scenario_option
@students_option
@teacher_options
@plan_options
def command(
    options: PlanOptions,
    flops: Array,
    student: Array | None,
    inference_tokens: float,
    scenario: ScenarioName,
    students: int,
    existing: dict[str, float],
) -> None:
    """Compute the loss that a budget reaches by training, overtraining and distilling.

    With --teacher and --teacher-loss the student is distilled from that teacher, and the teacher
    itself may be used too.
    """
    from jaxlaws import planning
    from jaxlaws.cli.answers.pipeline import answer
    from jaxlaws.cli.answers.plans.comparison import Strategies

    inputs = crossed({"flops": flops, "num_student_params": student})
    inputs |= {
        **existing,
        "num_students": float(students),
        "num_inference_tokens": inference_tokens,
    }
    question = functools.partial(
        planning.compare, scenario=scenario_of(scenario), forward_flops=options.forward_flops
    )
    kind = Strategies(f"train, overtrain or distil? Scenario {scenario}")
    answer(kind, question, inputs, options.source, options)
