"""`jaxlaws plan compare`: train, overtrain or distil?"""

import functools
from collections.abc import Mapping
from typing import Any

import click

from jaxlaws.cli.compilation_cache import keep_compiled
from jaxlaws.cli.options.law_source import Source, forward_flops
from jaxlaws.cli.options.parameter_types import SWEEP, flops_model_option, json_option, law_option
from jaxlaws.cli.options.plan_options import (
    SCENARIOS,
    crossed,
    flops_option,
    inference_option,
    output_option,
    scenario_option,
    students_option,
    teacher_asked,
    teacher_options,
)


@click.command("compare")
@law_option
@flops_option
@click.option("--student", type=SWEEP, help="The largest size that may be served.")
@inference_option
@scenario_option
@students_option
@teacher_options
@flops_model_option
@output_option
@json_option
def command(
    law_name: str,
    flops: Any,
    student: Any,
    inference_tokens: float,
    scenario: str,
    students: int,
    teacher: float | None,
    teacher_loss: float | None,
    flops_model: str,
    output: str | None,
    as_json: bool,
) -> None:
    """Train, overtrain or distil? The loss that a budget reaches each way, and the best of them.

    Without --student it is the size of least loss once serving is paid. With --teacher and
    --teacher-loss the student is distilled from that teacher, which may also be used as it is.
    """
    existing = teacher_asked(teacher, teacher_loss)
    keep_compiled()
    from jaxlaws import planning

    source = Source(law_name)
    sizes = {} if student is None else {"num_student_params": student}
    asked = {
        **crossed(flops=flops, **sizes),
        **existing,
        "num_students": float(students),
        "num_inference_tokens": inference_tokens,
    }
    question = functools.partial(
        planning.compare,
        scenario=getattr(planning, SCENARIOS[scenario]),
        forward_flops=forward_flops(flops_model, source),
    )
    title = f"train, overtrain or distil? Scenario {scenario}, law {law_name}"
    _answer(title, question, asked, source, as_json=as_json, output=output)


def _answer(
    title: str,
    question: functools.partial[Any],
    asked: Mapping[str, Any],
    source: Source,
    *,
    as_json: bool,
    output: str | None,
) -> None:
    import numpy as np

    from jaxlaws.cli.answers.comparison import (
        document_of,
        farthest,
        print_comparison,
        print_comparisons,
    )
    from jaxlaws.cli.answers.draws import over_draws
    from jaxlaws.cli.answers.wording import why_infeasible
    from jaxlaws.cli.output.files import check_sweep
    from jaxlaws.cli.output.printing import give_out
    from jaxlaws.cli.output.progress import patience
    from jaxlaws.cli.output.table_columns import columns
    from jaxlaws.planning import Winner

    check_sweep(output, asked)
    with patience("compiling the planner, which happens once …"):
        comparison = question(source.law, **asked)
    single = np.ndim(comparison.winner) == 0
    if single and comparison.winner == Winner.NONE:
        raise ValueError(why_infeasible(asked, question.keywords["forward_flops"]))
    winners = None
    if single and source.ensemble is not None:
        winners = over_draws(question, source.ensemble, asked).winner
    document = document_of(comparison, asked, source, winners)
    table = columns(document, np.size(comparison.winner))

    def picture() -> Any:
        from jaxlaws.figures.plans import decision

        draws = None if source.ensemble is None else over_draws(question, source.ensemble, asked)
        decades = farthest(comparison, source.fitted_range or {})
        return decision(asked["flops"], comparison, draws=draws, decades=decades, title=title)

    if not give_out(document, table, as_json=as_json, output=output, picture=picture):
        return
    if single:
        print_comparison(title, comparison, document, source)
    else:
        print_comparisons(title, document, table)
