"""Plans whose search failed have a question mark in every table, and are never ruled out."""

import dataclasses
import functools

import numpy as np
import pytest

from jaxlaws import planning
from jaxlaws.cli.answers import pipeline
from jaxlaws.cli.answers.plans.comparison import Strategies
from jaxlaws.cli.answers.plans.crossover import CrossoverBudgets
from jaxlaws.cli.answers.plans.frontier import ServingFrontier
from jaxlaws.cli.answers.plans.model_shapes import MODEL_SHAPES
from jaxlaws.cli.answers.plans.serving_cost import SERVING_COST, serve_in_dollars
from jaxlaws.cli.answers.plans.size_and_tokens import SizeAndTokens
from jaxlaws.cli.answers.plans.smaller_model import SMALLER_MODEL
from jaxlaws.cli.answers.plans.student_family import StudentFamily
from jaxlaws.cli.answers.plans.teacher_catalogue import TeacherRanking
from jaxlaws.cli.answers.presentation import Answered
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.output.question_marks import NOTE
from jaxlaws.planning import Status

BUDGETS = {"flops": np.geomspace(1e20, 1e22, 3)}
SIZES = np.geomspace(1e8, 1e10, 3)
FULL = {"scenario": planning.TEACHER_PRETRAINING_AND_INFERENCE}
TEACHERS = {"teacher_loss": np.array([2.38, 2.1]), "num_teacher_params": np.array([1e9, 4e9])}
CHARGED = FULL | {"forward_flops": planning.compute_optimal.__kwdefaults__["forward_flops"]}
MONEY = planning.Hardware(dollars_per_hour=2.0, flops_per_second=1e15, utilisation=0.4)
ONE, THREE = np.ones(3), np.ones((3, 2))
SHARES = planning.Record(student=ONE, logits=0 * ONE, teacher=0 * ONE, serving=0 * ONE)
FAMILY = planning.FamilyPlan(
    num_student_params=np.array([3e8, 1e9]),
    num_student_tokens=1e10 * THREE,
    student_losses=2.5 * THREE,
    num_teacher_params=1e9 * ONE,
    num_teacher_tokens=1e11 * ONE,
    teacher_loss=2.2 * ONE,
    loss=2.5 * ONE,
    flops=BUDGETS["flops"],
    shares=SHARES,
    status=np.zeros(3, dtype=int),
    active_bounds=planning.Record(),
    marginal_values=planning.Record(flops=ONE),
)
CROSSINGS = planning.Crossings(
    flops=np.array([[1e20], [1e21], [1e22]]),
    to=np.full((3, 1), planning.Method.SUPERVISED),
    loss=2.5 * np.ones((3, 1)),
    first=np.full(3, planning.Method.DISTILLATION),
    count=np.ones(3, dtype=int),
    status=np.zeros(3, dtype=int),
)


def already(answer):
    """A question whose answer is known, which saves the compilation of the planner."""

    def question(law, **_):
        return answer

    return question


KINDS = {
    "train": (SizeAndTokens("plans"), planning.compute_optimal, {}, BUDGETS),
    "distill": (
        SizeAndTokens("plans"),
        planning.distill,
        FULL,
        BUDGETS | {"num_student_params": 1e9},
    ),
    "family": (
        StudentFamily("plans"),
        already(FAMILY),
        FULL | {"num_student_params": [3e8, 1e9]},
        BUDGETS,
    ),
    "teachers": (
        TeacherRanking("plans", np.array(["a", "b"])),
        planning.rank_teachers,
        TEACHERS,
        BUDGETS | {"num_student_params": 1e9},
    ),
    "money": (
        SERVING_COST,
        serve_in_dollars,
        {"training": MONEY, "serving": MONEY},
        {"dollars": np.geomspace(1e4, 1e6, 3), "num_inference_tokens": 1e12},
    ),
    "shapes": (MODEL_SHAPES, planning.optimal_shape, {}, BUDGETS),
    "smaller": (SMALLER_MODEL, planning.overtraining_cost, {}, BUDGETS | {"size_fraction": 0.5}),
    "frontier": (
        ServingFrontier("full"),
        planning.serving_frontier,
        FULL | {"num_params": SIZES},
        {"flops": 1e21},
    ),
    "crossover": (
        CrossoverBudgets("full"),
        already(CROSSINGS),
        CHARGED,
        {"num_student_params": SIZES, "num_students": 1, "num_inference_tokens": 0.0},
    ),
    "compare": (Strategies("plans"), planning.compare, FULL, BUDGETS | {"num_student_params": 1e9}),
}


def failing(result, index):
    """The result with searches that failed at an index along the first axis."""
    if dataclasses.is_dataclass(result):
        fields = {f.name: getattr(result, f.name) for f in dataclasses.fields(result)}
        return dataclasses.replace(result, **failing(fields, index))
    if isinstance(result, planning.Record):
        return planning.Record(**failing(dict(result), index))
    if isinstance(result, dict):
        changed = {name: failing(value, index) for name, value in result.items()}
        if "status" in result:
            changed["status"] = np.array(result["status"])
            changed["status"][index] = Status.NOT_CONVERGED
        return changed
    return result


def answered(name, index):
    kind, question, settings, inputs = KINDS[name]
    source = Source("busbridge2025_consistent")
    source = source if name not in ("money",) else source.for_supervised_runs()
    question = functools.partial(question, **settings)
    return Answered(kind, question, inputs, source, failing(question(source.law, **inputs), index))


@pytest.mark.parametrize("name", KINDS)
def test_the_rows_of_a_sweep_that_are_not_solved_have_a_question_mark(name):
    found = answered(name, 1)
    table = found.kind.table(found, found.kind.document(found))
    marked = [any(cell.endswith("?") for cell in row) for row in table.rows]
    if name == "crossover":  # some rows for each size
        middle = [row[0] == "1B" for row in table.rows]
        assert marked == middle
    else:
        assert marked == [False, True, False]
    nothing = answered(name, slice(0))
    shown = nothing.kind.table(nothing, nothing.kind.document(nothing))
    assert "?" not in str(shown)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("train", "--flops", "1e20:1e22:3"), 0),
        (("train", "--flops", "1e21"), 1),
        (("train", "--flops", "1e20:1e22:3", "--within", "0.01"), 0),
        (("compare", "--flops", "1e21", "--student", "1B"), 0),
        (("frontier", "--flops", "1e21", "--params", "1e8:1e10:3"), 0),
    ],
)
def test_the_mark_is_explained(run, monkeypatch, arguments, code):
    plain = run("plan", *arguments, "--law", "busbridge2025_consistent")
    assert NOTE not in plain.out
    everything = functools.partial(failing, index=...)
    monkeypatch.setattr(
        pipeline, "find", lambda *given: _replaced(found := FIND(*given), everything(found.result))
    )
    marked = run("plan", *arguments, "--law", "busbridge2025_consistent")
    assert marked.code == code
    assert NOTE in marked.out
    assert "?" in marked.out.replace(NOTE, "")
    assert "Ruled out" not in marked.out


FIND = pipeline.find


def _replaced(found, result):
    return dataclasses.replace(found, result=result)
