"""The capacity gap: a teacher that is too good for its student makes the student worse."""

import jax.numpy as jnp
import numpy as np

from jaxlaws.cli.answers.draws import SHARED_LAW
from jaxlaws.cli.explorer import wording
from jaxlaws.cli.explorer.charts import (
    Answer,
    Axis,
    Code,
    Column,
    Lines,
    Mark,
    Region,
    Series,
    Table,
    axis_around,
)
from jaxlaws.cli.explorer.code_text import code_of, value
from jaxlaws.cli.explorer.controls import Control
from jaxlaws.cli.explorer.laws import Laws, with_distillation_law
from jaxlaws.cli.explorer.programs import program
from jaxlaws.cli.explorer.view import NUM_DRAWS, STUDENT, STUDENT_TOKENS, Given, View
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning import TeacherLossPlan, optimal_teacher_loss

_NUM_TEACHERS = 121
_HIGHEST = 1.25  # the highest teacher loss shown, times the loss of the student trained alone
_NEAR = 1.6  # runs whose size and tokens differ by less than this factor are shown


def _controls(laws: Laws) -> list[Control]:
    return [STUDENT, STUDENT_TOKENS, with_distillation_law(laws)]


@program()
def _computed(
    *, law: Tree, draws: Tree, num_student_params: Array, num_student_tokens: Array
) -> tuple[Array, Array, Array | None, Array, TeacherLossPlan]:
    """The teacher losses, the student losses, those of the draws, the loss alone, the optimum."""
    student = {
        "num_student_params": num_student_params,
        "num_student_tokens": num_student_tokens,
    }
    alone = law.supervised.loss(num_params=num_student_params, num_tokens=num_student_tokens)
    least = law.supervised.loss(num_params=jnp.asarray(jnp.inf), num_tokens=jnp.asarray(jnp.inf))
    teachers = jnp.geomspace(least, _HIGHEST * alone, _NUM_TEACHERS)
    of_draws = None
    if draws is not None:
        of_draws = draws.loss(
            teacher_loss=teachers[None, :],
            **{name: each[None, None] for name, each in student.items()},
        )
    best = optimal_teacher_loss(law, **student)
    return teachers, law.loss(teacher_loss=teachers, **student), of_draws, alone, best


def _answer(given: Given) -> Answer:
    source = given.law.source
    student = {name: given[name] for name in ("num_student_params", "num_student_tokens")}
    draws = given.law.draws(NUM_DRAWS, num_axes=1)
    teachers, losses, of_draws, alone, best = given.timed(
        lambda: _computed(law=source.law, draws=draws, **student)
    )
    band = (None, None) if of_draws is None else np.quantile(of_draws, [0.05, 0.95], axis=0)
    alone, unit = float(alone), source.loss_unit
    best_teacher, best_loss = float(best.teacher_loss), float(best.loss)
    notes = []
    if source.ensemble is None:
        notes.append("This law has no bootstrap draws: there is no band.")
    else:
        notes.append(f"The band holds 90% of {NUM_DRAWS} draws.")
    if source.supervised_is_constant:
        notes.append(f"{SHARED_LAW} the band.")
    points = _points(given, student)
    if points is not None:
        notes.append(
            f"Points are runs whose size and tokens are within a factor of {_NEAR} of the student."
        )
    model = f"{wording.size(student['num_student_params'])} and "
    model += wording.tokens(student["num_student_tokens"])
    return Answer(
        sentence=_sentence(model, alone, best_teacher, best_loss, float(losses[0]), unit),
        notes=[*notes, *source.caveats],
        extrapolation=wording.extrapolation(
            {**student, "teacher_loss": best_teacher}, source.fitted_range
        ),
        charts=[
            Lines(
                id="gap",
                title="Loss of the student over the loss of its teacher",
                alt=f"The student's loss is lowest, {wording.loss(best_loss, unit)}, with a "
                f"teacher of loss {wording.number(best_teacher)}. Trained alone it is "
                f"{wording.number(alone)}.",
                x=Axis(
                    "Teacher loss",
                    wording.loss_unit(unit),
                    "linear",
                    float(teachers[0]),
                    float(teachers[-1]),
                ),
                y=axis_around(
                    "Student loss",
                    wording.loss_unit(unit),
                    [losses, [alone], *(() if points is None else (points.y,))],
                ),
                series=[
                    Series(
                        name="distilled",
                        role="distil",
                        x=teachers,
                        y=losses,
                        low=band[0],
                        high=band[1],
                    ),
                    Series(
                        name="trained alone",
                        role="train",
                        style="dashed",
                        x=teachers[[0, -1]],
                        y=[alone, alone],
                    ),
                    *(() if points is None else (points,)),
                ],
                marks=[Mark(best_teacher, best_loss, "best teacher", "optimum")],
                regions=[
                    Region(
                        float(teachers[0]), best_teacher, "capacity gap: teacher too good", "cost"
                    ),
                    Region(best_teacher, float(teachers[-1]), "teacher too weak", "teacher"),
                ],
            )
        ],
        tables=[
            Table(
                title="Teachers of this student",
                columns=[
                    Column("teacher"),
                    Column("teacher loss", wording.loss_unit(unit)),
                    Column("student loss", wording.loss_unit(unit)),
                    Column("against training alone", wording.loss_unit(unit)),
                ],
                rows=[
                    [name, wording.number(teacher), wording.number(loss), f"{loss - alone:+.4f}"]
                    for name, teacher, loss in (
                        ("the best for this student", best_teacher, best_loss),
                        ("perfect: the irreducible loss", float(teachers[0]), float(losses[0])),
                        ("none: trained alone", np.nan, alone),
                    )
                ],
            )
        ],
        code=_code(given, student, best_teacher),
        compiled=given.compiled,
    )


def _sentence(
    model: str, alone: float, best_teacher: float, best_loss: float, perfect: float, unit: str
) -> str:
    better = alone - best_loss
    side = "below" if better >= 0 else "above"
    compared = f"{wording.difference(abs(better), unit)} {side} training alone"
    sentence = (
        f"The best teacher for a student with {model} has a loss of "
        f"{wording.loss(best_teacher, unit)}: the student reaches {wording.number(best_loss)}, "
        f"{compared}."
    )
    if perfect > best_loss + 5e-5:
        sentence += (
            f" With a perfect teacher it would be {wording.difference(perfect - best_loss, unit)} "
            "worse."
        )
    return sentence


def _points(given: Given, student: dict[str, float]) -> Series | None:
    """The distilled runs near the student, or None."""
    runs = given.law.runs or given.laws.runs
    names = (*student, "teacher_loss")
    if runs is None or not set(names) <= set(runs.inputs):
        return None
    near = np.isfinite(runs.inputs["teacher_loss"])
    for name, each in student.items():
        near &= np.abs(np.log(runs.inputs[name] / each)) < np.log(_NEAR)
    if not near.any():
        return None
    return Series(
        name="runs near this student",
        role="data",
        style="points",
        x=runs.inputs["teacher_loss"][near],
        y=runs.loss[near],
    )


def _code(given: Given, student: dict[str, float], best_teacher: float) -> Code:
    size, tokens = (value(each) for each in student.values())
    model = f"num_student_params={size}, num_student_tokens={tokens}"
    return code_of(
        given,
        [
            f"best = optimal_teacher_loss(law, {model})",
            f"alone = float(predict(law.supervised, dict(num_params={size}, num_tokens={tokens})))",
            "least = float(predict(law.supervised, dict(num_params=np.inf, num_tokens=np.inf)))",
            f"perfect = float(predict(law, dict({model}, teacher_loss=least)))",
            'print(f"teacher {best.teacher_loss:.4f}, student {best.loss:.4f}, alone {alone:.4f}")',
            'print(f"best possible teacher {least:.4f}, student {perfect:.4f}")',
        ],
        [
            f"jaxlaws predict --law {given.law.file} --student {size} --tokens {tokens} "
            f"--teacher-loss {best_teacher:.6g}",
            f"jaxlaws predict --law {given.law.file} --params {size} --tokens {tokens}",
        ],
        functions="optimal_teacher_loss",
    )


VIEW = View(
    id="capacity-gap",
    title="Capacity gap",
    question="Which teacher makes the best student, and when is a teacher too good?",
    controls=_controls,
    answer=_answer,
)
