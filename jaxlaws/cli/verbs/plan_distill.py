"""`jaxlaws plan distill`: a student, or several, and where their teacher comes from."""

from typing import Any

import click

from jaxlaws.cli.compilation_cache import keep_compiled
from jaxlaws.cli.options.law_source import Source, forward_flops
from jaxlaws.cli.options.parameter_types import QUANTITY, SweepOrList
from jaxlaws.cli.options.plan_options import (
    SCENARIOS,
    common_options,
    crossed,
    scenario_option,
    students_option,
    teacher_asked,
    teacher_options,
    within_option,
)

_SMALLEST = 1e3


@click.command("distill")
@common_options
@click.option(
    "--student",
    type=SweepOrList(),
    help="Parameters of the student. Several, as 1B,3B,8B, share one teacher and the budget. "
    "Without it, the size of least loss.",
)
@click.option("--max-student", type=QUANTITY, help="Without --student: the largest size allowed.")
@scenario_option
@students_option
@teacher_options
@click.option(
    "--teachers",
    "catalogue",
    type=click.Path(dir_okay=False),
    help="A table of teachers that exist, to be ranked: name, num_teacher_params, teacher_loss, "
    "and for mixtures of experts num_active_params.",
)
@within_option
def command(
    law_name: str,
    flops: Any,
    student: Any,
    max_student: float | None,
    scenario: str,
    students: int,
    teacher: float | None,
    teacher_loss: float | None,
    catalogue: str | None,
    within: float | None,
    inference_tokens: float,
    flops_model: str,
    output: str | None,
    as_json: bool,
) -> None:
    """Distil a student: its tokens, and the best teacher that the budget can make.

    With --teacher and --teacher-loss, its tokens, distilled from the teacher that exists; with
    --teachers, the best of a catalogue of them.
    """
    existing = teacher_asked(teacher, teacher_loss)
    _check(student, max_student, students, existing, catalogue, within)
    keep_compiled()
    from jaxlaws import planning
    from jaxlaws.cli.answers.plan_or_sweep import answer
    from jaxlaws.cli.answers.student_family import answer_family
    from jaxlaws.cli.answers.teacher_catalogue import answer_catalogue, read_catalogue

    teachers = None if catalogue is None else read_catalogue(catalogue)
    source = Source(law_name)
    paid = getattr(planning, SCENARIOS[scenario])
    forward = forward_flops(flops_model, source)
    files: dict[str, Any] = {"as_json": as_json, "output": output}
    served = {"num_inference_tokens": inference_tokens}
    if isinstance(student, tuple):
        asked = {"flops": flops, "num_student_params": student, **served}
        answer_family(
            asked, {"scenario": paid, "forward_flops": forward}, source, scenario, **files
        )
        return
    alike = {"num_students": float(students), **served}
    if teachers is not None:
        answer_catalogue(
            teachers,
            {**crossed(flops=flops, num_student_params=student), **alike},
            {"logits": paid.logits, "forward_flops": forward},
            source,
            **files,
        )
        return
    title, planner = "distillation", planning.distill
    settings = {"scenario": paid, "forward_flops": forward}
    if existing:
        title, planner = "distillation from a teacher that exists", planning.distill_with
        settings = {"logits": paid.logits, "forward_flops": forward}
    sizes = {"num_student_params": student}
    if student is None:
        title, planner, sizes = "distillation, any size", planning.distill_any_size, {}
        if max_student is not None:
            settings["num_student_params_bounds"] = (_SMALLEST, max_student)
    answer(
        f"{title}, scenario {scenario}",
        planner,
        {**crossed(flops=flops, **sizes), **existing, **alike},
        settings,
        source,
        within=within,
        **files,
    )


def _check(
    student: Any,
    max_student: float | None,
    students: int,
    existing: Any,
    catalogue: str | None,
    within: float | None,
) -> None:
    """Refuse options that contradict each other."""
    several = isinstance(student, tuple)
    if existing and catalogue is not None:
        raise click.UsageError("give one teacher, by --teacher, or a catalogue, by --teachers")
    taught = "--teachers" if catalogue is not None else "--teacher" if existing else None
    if student is None and taught:
        raise click.UsageError(f"{taught} needs --student: the size to distil")
    if student is not None and max_student is not None:
        raise click.UsageError("--student fixes the size: leave out --max-student")
    if several and taught:
        raise click.UsageError(f"students of several sizes train their teacher: leave out {taught}")
    if several and students != 1:
        raise click.UsageError("--student lists each student: leave out --students")
    if within is not None and (several or catalogue is not None):
        what = "several students" if several else "--teachers"
        raise click.UsageError(f"--within is not known with {what}: leave out one of them")
