"""`jaxlaws plan distill`: a student, or several, and where their teacher comes from."""

import functools

import click

from jaxlaws.cli.options import plan_options as plan
from jaxlaws.cli.options.common_options import verb
from jaxlaws.cli.options.parameter_types import QUANTITY, SWEEP_OR_LIST
from jaxlaws.cli.options.reading_options import column_option
from jaxlaws.cli.options.restraint_options import pairs
from jaxlaws.cli.options.teacher_table import TeacherTable
from jaxlaws.foundations.annotations import Array


@verb("distill", example="jaxlaws plan distill --flops 1e21 --student 1B --scenario inference")
@plan.flops
@click.option(
    "--student",
    "num_student_params",
    type=SWEEP_OR_LIST,
    help="Parameters of the student. Several students, as 1B,3B,8B, share one teacher and the "
    "budget. Default: the size of least loss.",
)
@click.option(
    "--max-student",
    type=QUANTITY,
    help="Without --student: the largest size that the planner may choose. Default: no limit.",
)
@plan.scenario
@plan.students
@plan.teacher
@plan.teacher_loss
@click.option(
    "--teachers",
    "table",
    type=click.Path(dir_okay=False),
    help="Table of existing teachers to rank, with the columns name, num_teacher_params, "
    "teacher_loss, and num_active_params for mixtures of experts. Default: no table.",
)
@column_option
@plan.inference_tokens
@click.option(
    "--unique-tokens",
    type=QUANTITY,
    help="Distinct tokens that are available to the student, which may see each of them up to 4 "
    "times. Default: no limit.",
)
@plan.prices
@plan.within
@plan.common
def command(
    options: plan.PlanOptions,
    max_student: float | None,
    scenario: plan.ScenarioName,
    table: str | None,
    columns: tuple[str, ...],
    unique_tokens: float | None,
    prices: tuple[tuple[str, float], ...],
    within: float | None,
    **inputs: Array | None,
) -> None:
    """Compute the student of least loss for a budget: its tokens, and its best teacher.

    The budget trains the teacher, or the teacher exists: --teacher with --teacher-loss describes
    one teacher, and --teachers ranks the teachers of a table.
    """
    existing, student = plan.has_teacher(inputs), inputs["num_student_params"]
    several = isinstance(student, tuple)
    if existing and table is not None:
        raise click.UsageError("give one teacher with --teacher, or a table with --teachers")
    taught = "--teachers" if table is not None else "--teacher" if existing else None
    if student is None and taught:
        raise click.UsageError(f"{taught} needs --student, the size of the student")
    if student is not None and max_student is not None:
        raise click.UsageError("--student fixes the size: leave out --max-student")
    if several and taught:
        raise click.UsageError(f"several students train their teacher: leave out {taught}")
    if several and inputs["num_students"] != 1:
        raise click.UsageError("--student lists each student: leave out --num-students")
    for option, value, fits in (
        ("--within", within, table is None),
        ("--unique-tokens", unique_tokens, table is None and not several),
    ):
        if value is not None and not fits:
            what = "several students" if several else "--teachers"
            raise click.UsageError(f"{option} does not work with {what}: leave out one of them")

    from jaxlaws import planning
    from jaxlaws.cli.answers.pipeline import answer
    from jaxlaws.cli.answers.plans.limited_student import MOST_EPOCHS, StudentOnLimitedData
    from jaxlaws.cli.answers.plans.size_and_tokens import SizeAndTokens
    from jaxlaws.cli.answers.plans.student_family import StudentFamily
    from jaxlaws.cli.answers.plans.teacher_catalogue import TeacherRanking

    teachers = None if table is None else TeacherTable.read(table, pairs("--column", columns))
    charged, forward_flops = plan.scenario_of(scenario), options.forward_flops
    trained = {"scenario": charged, "forward_flops": forward_flops}
    exists = {"logits": charged.logits, "forward_flops": forward_flops}
    if several:
        title, planner, settings = "students that share a teacher", planning.distill_family, trained
        settings |= {"num_student_params": [*student]}
        inputs = {name: inputs[name] for name in ("flops", "num_inference_tokens")}
    elif teachers is not None:
        title, planner, settings = "teachers for a student", planning.rank_teachers, exists
        settings |= teachers.inputs(forward_flops)
    elif existing:
        title, planner = "distillation from an existing teacher", planning.distill_with
        settings = exists
    else:
        title, planner, settings = "distillation", planning.distill, trained
        title += ", any size" if student is None else ""
        if max_student is not None:
            settings |= {"num_student_params_bounds": (planning.DEFAULT_BOUNDS[0], max_student)}
    title += f", {plan.charged_in_words(scenario, exists=taught is not None)}"
    kind = SizeAndTokens(title, within)
    if several:
        kind = StudentFamily(title, within)
    elif teachers is not None:
        kind = TeacherRanking(title, teachers.names)
    elif unique_tokens is not None:
        most = MOST_EPOCHS * unique_tokens
        settings |= {"num_student_tokens_bounds": (min(planning.DEFAULT_BOUNDS[0], most), most)}
        kind = StudentOnLimitedData(f"{title}, on repeated data", within, unique_tokens)
    question = functools.partial(planner, **plan.with_costs(settings, prices))
    answer(kind, question, inputs, options.source, options)
