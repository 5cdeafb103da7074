"""`jaxlaws plan compare`: train, overtrain or distil?"""

import functools

import click

from jaxlaws.cli.options import plan_options as plan
from jaxlaws.cli.options.common_options import verb
from jaxlaws.cli.options.parameter_types import SWEEP
from jaxlaws.foundations.annotations import Array


@verb("compare", example="jaxlaws plan compare --flops 1e21 --student 300M --inference-tokens 1T")
@plan.flops
@click.option(
    "--student",
    "num_student_params",
    type=SWEEP,
    help="Parameters of the largest model that may be served. Default: the size of least loss "
    "once serving is paid.",
)
@plan.inference_tokens
@plan.scenario
@plan.students
@plan.teacher
@plan.teacher_loss
@plan.prices
@plan.common
def command(
    options: plan.PlanOptions,
    scenario: plan.ScenarioName,
    prices: tuple[tuple[str, float], ...],
    **inputs: Array | None,
) -> None:
    """Compute the loss that a budget reaches by training, overtraining and distilling.

    With --teacher and --teacher-loss the student is distilled from that teacher, and the teacher
    itself may be used too.
    """
    charged = plan.charged_in_words(scenario, exists=plan.has_teacher(inputs))

    from jaxlaws.cli.answers.pipeline import answer
    from jaxlaws.cli.answers.plans.comparison import Strategies
    from jaxlaws.planning import compare

    settings = {"scenario": plan.scenario_of(scenario), "forward_flops": options.forward_flops}
    settings = plan.with_costs(settings, prices)
    kind = Strategies(f"train, overtrain or distil? {charged.capitalize()}")
    answer(kind, functools.partial(compare, **settings), inputs, options.source, options)
