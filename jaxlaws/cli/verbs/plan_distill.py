"""`jaxlaws plan distill`: a student, or several, and where their teacher comes from."""

import functools

import click

from jaxlaws.annotations import Array
from jaxlaws.cli.options.common_options import verb
from jaxlaws.cli.options.parameter_types import QUANTITY, SWEEP_OR_LIST
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
    within_option,
)

_SMALLEST = 1e3


@verb("distill", example="jaxlaws plan distill --flops 1e21 --student 1B --scenario inference")
@flops_option
@click.option(
    "--student",
    type=SWEEP_OR_LIST,
    help="Parameters of the student. Several students, as 1B,3B,8B, share one teacher and the "
    "budget. Default: the size of least loss.",
)
@click.option(
    "--max-student",
    type=QUANTITY,
    help="Largest number of parameters of a student whose size is chosen. Default: no limit.",
)
@scenario_option
@students_option
@teacher_options
@click.option(
    "--teachers",
    "table",
    type=click.Path(dir_okay=False),
    help="Table of existing teachers to rank, with the columns name, num_teacher_params, "
    "teacher_loss, and num_active_params for mixtures of experts. Default: no table.",
)
@inference_option
@within_option
@plan_options
def command(
    options: PlanOptions,
    flops: Array,
    student: Array | None,
    max_student: float | None,
    scenario: ScenarioName,
    students: int,
    existing: dict[str, float],
    table: str | None,
    inference_tokens: float,
    within: float | None,
) -> None:
    """Compute the student of least loss for a budget: its tokens, and its best teacher.

    The budget trains the teacher, or the teacher exists: --teacher with --teacher-loss describes
    one teacher, and --teachers ranks the teachers of a table.
    """
    several = isinstance(student, tuple)
    if existing and table is not None:
        raise click.UsageError("give one teacher with --teacher, or a table with --teachers")
    taught = "--teachers" if table is not None else "--teacher" if existing else None
    if student is None and taught:
        raise click.UsageError(f"{taught} needs --student, the size of the student")
    if student is not None and max_student is not None:
        raise click.UsageError("--student fixes the size: leave out --max-student")
    if several and taught:
        raise click.UsageError(
            f"the budget trains the teacher of several sizes: leave out {taught}"
        )
    if several and students != 1:
        raise click.UsageError("--student lists each student: leave out --students")
    if within is not None and (several or table is not None):
        what = "several students" if several else "--teachers"
        raise click.UsageError(f"--within does not work with {what}: leave out one of them")

    from jaxlaws import planning
    from jaxlaws.cli.answers.pipeline import answer
    from jaxlaws.cli.answers.plans.near_optimal_range import size_and_tokens
    from jaxlaws.cli.answers.plans.student_family import StudentFamily
    from jaxlaws.cli.answers.plans.teacher_catalogue import TeacherRanking
    from jaxlaws.cli.options.teacher_table import TeacherTable

    teachers = None if table is None else TeacherTable.read(table)
    charged, forward_flops = scenario_of(scenario), options.forward_flops
    planned = {"scenario": charged, "forward_flops": forward_flops}
    taught_by = {"logits": charged.logits, "forward_flops": forward_flops}
    inputs = {} if several else crossed({"flops": flops, "num_student_params": student})
    inputs |= {**existing, "num_students": float(students)}
    if several:
        inputs = {"flops": flops}
        kind = StudentFamily("students that share a teacher", student)
        question = functools.partial(
            planning.distill_family, num_student_params=list(student), **planned
        )
    elif teachers is not None:
        kind = TeacherRanking("teachers for a student", teachers.names)
        question = functools.partial(
            planning.rank_teachers, **teachers.inputs(forward_flops), **taught_by
        )
    elif existing:
        kind = size_and_tokens("distillation from an existing teacher", within)
        question = functools.partial(planning.distill_with, **taught_by)
    elif student is None:
        kind = size_and_tokens("distillation, any size", within)
        bounds = (
            {} if max_student is None else {"num_student_params_bounds": (_SMALLEST, max_student)}
        )
        question = functools.partial(planning.distill_any_size, **bounds, **planned)
    else:
        kind = size_and_tokens("distillation", within)
        question = functools.partial(planning.distill, **planned)
    kind.title += f", scenario {scenario}"
    inputs["num_inference_tokens"] = inference_tokens
    answer(kind, question, inputs, options.source, options)
