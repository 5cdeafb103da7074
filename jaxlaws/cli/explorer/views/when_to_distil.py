"""When distillation pays: its gain over the size of the student and the budget."""

import functools
from collections.abc import Mapping

import numpy as np

from jaxlaws.cli.explorer import wording
from jaxlaws.cli.explorer.charts import (
    Answer,
    Axis,
    Code,
    Column,
    Lines,
    Map,
    Mark,
    Scale,
    Series,
    Table,
    Vertical,
    axis_around,
)
from jaxlaws.cli.explorer.code_text import code_of, model_keyword, model_option, value
from jaxlaws.cli.explorer.controls import Choice, Control, Option, Slider
from jaxlaws.cli.explorer.laws import Laws, ShownLaw, with_distillation_law
from jaxlaws.cli.explorer.programs import program, traced_scenario
from jaxlaws.cli.explorer.view import FLOPS_MODEL, Given, View
from jaxlaws.cli.explorer.views.shared_controls import BUDGET, SCENARIO, STUDENT
from jaxlaws.cli.options.plan_options import SCENARIOS, ScenarioName
from jaxlaws.compute import ForwardFlops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning import (
    DistillationPlan,
    Scenario,
    SupervisedPlan,
    distill,
    distill_with,
    train_fixed,
)

_SIZES, _BUDGETS = (STUDENT.low, STUDENT.high), (BUDGET.low, BUDGET.high)
_XS, _YS = np.geomspace(*_SIZES, 41), np.geomspace(*_BUDGETS, 37)
_NUM_BUDGETS = 16  # of the curve for one student; the last is that of the user
_TEACHER = Choice(
    name="teacher",
    label="Teacher",
    help="Whether the planner chooses the teacher for each budget, or the teacher exists.",
    default="best",
    options=[
        Option(value="best", label="the best for each budget"),
        Option(value="existing", label="one that exists"),
    ],
)
_TEACHER_SIZE = Slider(
    name="num_teacher_params",
    label="Teacher size",
    help="Parameters of a teacher that exists; without effect if the planner chooses it.",
    default=7e9,
    low=1e8,
    high=1e12,
    unit="parameters",
)
_TEACHER_LOSS = Slider(
    name="teacher_loss",
    label="Teacher loss",
    help="Loss of a teacher that exists; without effect if the planner chooses it.",
    default=2.0,
    low=1.5,
    high=3.0,
    unit="nats per token",
    scale="linear",
)


def _controls(laws: Laws) -> list[Control]:
    law = with_distillation_law(laws)
    return [
        STUDENT, BUDGET, SCENARIO, _TEACHER, _TEACHER_SIZE, _TEACHER_LOSS, law, FLOPS_MODEL
    ]  # fmt: skip


@program("forward_flops")
def _both(
    *,
    law: Tree,
    flops: Array,
    num_student_params: Array,
    scenario: Scenario,
    teacher: Mapping[str, Array] | None,
    forward_flops: ForwardFlops,
) -> tuple[SupervisedPlan, DistillationPlan]:
    """The plans of a student trained alone and distilled."""
    alone = train_fixed(
        law, num_params=num_student_params, flops=flops, forward_flops=forward_flops
    )
    student = {"flops": flops, "num_student_params": num_student_params}
    if teacher is None:
        return alone, distill(law, **student, scenario=scenario, forward_flops=forward_flops)
    return alone, distill_with(
        law, **student, **teacher, logits=scenario.logits, forward_flops=forward_flops
    )


@functools.lru_cache(maxsize=32)
def _gain_map(
    law: ShownLaw,
    scenario: ScenarioName,
    teacher: tuple[float, float] | None,
    forward_flops: ForwardFlops,
) -> np.ndarray:
    """The gain for each budget (rows) and size; NaN where a plan is not possible."""
    alone, distilled = _both(
        law=law.source.law,
        flops=np.repeat(_YS, len(_XS)),
        num_student_params=np.tile(_XS, len(_YS)),
        scenario=traced_scenario(scenario),
        teacher=_as_inputs(teacher),
        forward_flops=forward_flops,
    )
    return (alone.loss - distilled.loss).reshape(len(_YS), len(_XS))


def _as_inputs(teacher: tuple[float, float] | None) -> Mapping[str, float] | None:
    names = ("num_teacher_params", "teacher_loss")
    return None if teacher is None else dict(zip(names, teacher, strict=True))


def _answer(given: Given) -> Answer:
    source, unit = given.law.source, given.law.source.loss_unit
    size, budget = given["num_student_params"], given["flops"]
    teacher = None
    if given["teacher"] == "existing":
        teacher = (given["num_teacher_params"], given["teacher_loss"])
    common = (given["scenario"], teacher, given.forward_flops)
    gains = given.timed(lambda: _gain_map(given.law, *common))
    budgets = np.append(np.geomspace(*_BUDGETS, _NUM_BUDGETS - 1), budget)
    alone, distilled = given.timed(
        lambda: _both(
            law=source.law,
            flops=budgets,
            num_student_params=size,
            scenario=traced_scenario(given["scenario"]),
            teacher=_as_inputs(teacher),
            forward_flops=given.forward_flops,
        )
    )
    gain = float(alone.loss[-1] - distilled.loss[-1])
    here = {
        "num_student_params": size,
        "num_student_tokens": float(distilled.num_student_tokens[-1]),
        "teacher_loss": float(distilled.teacher_loss[-1]),
    }
    crossings = _crossings(gains)
    notes = [
        "The gain is the loss of training alone minus that of distilling; both spend the whole "
        "budget on one student.",
        *_crossing_note(crossings, size),
    ]
    if teacher is None and given["scenario"] in ("free", "inference"):
        notes.append(
            "The training of the teacher is free, so the planner takes a teacher as good as any "
            "number of tokens makes it."
        )
    order = np.argsort(budgets)
    curve = (alone.loss - distilled.loss)[order]
    return Answer(
        sentence=_sentence(size, budget, alone, distilled, unit),
        notes=[*notes, *source.caveats],
        extrapolation=wording.extrapolation(here, source.fitted_range),
        charts=[
            _map(gains, crossings, size, budget, gain, unit),
            Lines(
                id="gain",
                title="Gain of this student over the budget",
                alt=f"The gain of {wording.size(size)} is {gain:.4f} {wording.loss_unit(unit)} at "
                f"{wording.flops(budget)}.",
                x=Axis("Budget", "FLOPs", "log", *_BUDGETS),
                y=axis_around("Gain", wording.loss_unit(unit), [curve, [0.0]]),
                series=[
                    Series(name="gain by distilling", role="gain", x=budgets[order], y=curve),
                    Series(
                        name="no gain",
                        role="train",
                        style="dashed",
                        x=np.array(_BUDGETS),
                        y=[0.0, 0.0],
                    ),
                ],
                marks=[Mark(budget, gain, "you are here")] if np.isfinite(gain) else [],
                verticals=[Vertical(budget, "your budget")],
            ),
        ],
        tables=[_table(alone, distilled, unit)],
        code=_code(given, teacher),
        compiled=given.compiled,
    )


def _sentence(
    size: float, budget: float, alone: SupervisedPlan, distilled: DistillationPlan, unit: str
) -> str:
    what = f"For {wording.size(size)} and {wording.flops(budget)}"
    gain = float(alone.loss[-1] - distilled.loss[-1])
    if not np.isfinite(gain):
        return f"{what}, not both ways are possible: raise the budget or choose a smaller student."
    losses = f"{wording.loss(distilled.loss[-1], unit)} instead of {wording.number(alone.loss[-1])}"
    if gain > 0:
        return f"{what}, distilling pays: it reaches {losses}, a gain of {gain:.4f}."
    return f"{what}, distilling does not pay: it reaches {losses}, {-gain:.4f} worse."


def _crossings(gains: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """The lines of no gain: for each change of sign along the budget, sizes and budgets.

    The place between two rows of the map is interpolated in the logarithm of the budget.
    """
    found: dict[int, list[tuple[float, float]]] = {}
    for column, size in enumerate(_XS):
        each = gains[:, column]
        signs = np.sign(np.where(np.abs(each) > 1e-9, each, np.nan))
        known = np.flatnonzero(np.isfinite(signs))
        changes = np.flatnonzero(np.diff(signs[known]) != 0)
        for place, index in enumerate(changes):
            low, high = known[index], known[index + 1]
            part = each[low] / (each[low] - each[high])
            budget = _YS[low] ** (1 - part) * _YS[high] ** part
            found.setdefault(place, []).append((float(size), float(budget)))
    return [(np.array(line)[:, 0], np.array(line)[:, 1]) for line in found.values()]


def _crossing_note(crossings: list[tuple[np.ndarray, np.ndarray]], size: float) -> list[str]:
    budgets = [
        np.exp(np.interp(np.log(size), np.log(sizes), np.log(budgets)))
        for sizes, budgets in crossings
        if sizes[0] <= size <= sizes[-1]
    ]
    if not budgets:
        return []
    listed = " and ".join(f"{budget:.1e}".replace("e+", "e") for budget in sorted(budgets))
    return [f"For this student the better way changes at about {listed} FLOPs."]


def _map(
    gains: np.ndarray,
    crossings: list[tuple[np.ndarray, np.ndarray]],
    size: float,
    budget: float,
    gain: float,
    unit: str,
) -> Map:
    finite = np.abs(gains[np.isfinite(gains)])
    most = float(f"{np.quantile(finite, 0.95):.1g}") if finite.size and finite.max() > 0 else 0.1
    most = most or 0.01
    pays = np.mean(gains[np.isfinite(gains)] > 0) if finite.size else 0.0
    return Map(
        id="map",
        title="Gain by distilling",
        alt=f"Gain over student size and budget: distilling pays in {pays:.0%} of the map. At your "
        f"point, {wording.size(size)} and {wording.flops(budget)}, the gain is {gain:.4f}.",
        x=Axis("Student size", "parameters", "log", *_SIZES),
        y=Axis("Budget", "FLOPs", "log", *_BUDGETS),
        xs=_XS,
        ys=_YS,
        z=gains,
        value=Scale(
            label="Gain",
            unit=wording.loss_unit(unit),
            centre=0.0,
            min=-most,
            max=most,
            extends="both",
        ),
        lines=[
            Series(name="no gain", role="optimum", x=sizes, y=budgets)
            for sizes, budgets in crossings
        ],
        marks=[Mark(size, budget, "you are here")],
    )


def _table(alone: SupervisedPlan, distilled: DistillationPlan, unit: str) -> Table:
    return Table(
        title="The two ways at your point",
        columns=[
            Column("way"),
            Column("loss", wording.loss_unit(unit)),
            Column("student tokens", "tokens"),
            Column("teacher size", "parameters"),
            Column("teacher loss", wording.loss_unit(unit)),
            Column("for the teacher", "share of compute"),
        ],
        rows=[
            [
                "train alone",
                wording.number(alone.loss[-1]),
                wording.count(alone.num_tokens[-1]),
                "–",
                "–",
                "–",
            ],
            [
                "distil",
                wording.number(distilled.loss[-1]),
                wording.count(distilled.num_student_tokens[-1]),
                wording.count(distilled.num_teacher_params[-1]),
                wording.number(distilled.teacher_loss[-1]),
                wording.percent(float(distilled.shares.logits[-1] + distilled.shares.teacher[-1])),
            ],
        ],
    )


def _code(given: Given, teacher: tuple[float, float] | None) -> Code:
    size, budget = value(given["num_student_params"]), value(given["flops"])
    scenario, keyword = SCENARIOS[given["scenario"]][0], model_keyword(given)
    law = f"jaxlaws plan distill --law {given.law.file} --student {size} --flops {budget}"
    crossing = f"jaxlaws plan crossover --law {given.law.file} --student {size}"
    options = f" --scenario {given['scenario']}{model_option(given)}"
    functions = ["train_fixed"]
    distilled = f"distill(law, flops={budget}, num_student_params={size}, scenario={scenario}"
    end = []
    shell = [law + options, crossing + options]
    if teacher is None:
        functions += ["distill", scenario, "crossover"]
        end = [
            f"changes = crossover(law, num_student_params={size}, scenario={scenario}{keyword})",
            'print("the better way changes at", changes.flops[: int(changes.count)], "FLOPs")',
        ]
    else:
        functions += ["distill_with", scenario]
        distilled = (
            f"distill_with(law, flops={budget}, num_student_params={size}, "
            f"num_teacher_params={value(teacher[0])}, teacher_loss={value(teacher[1])}, "
            f"logits={scenario}.logits"
        )
        known = f" --teacher {value(teacher[0])} --teacher-loss {value(teacher[1])}"
        shell = [law + known + options]
    return code_of(
        given,
        [
            f"alone = train_fixed(law, num_params={size}, flops={budget}{keyword})",
            f"distilled = {distilled}{keyword})",
            'print(f"alone {alone.loss:.4f}, distilled {distilled.loss:.4f}, "',
            '      f"gain {alone.loss - distilled.loss:.4f}")',
            *end,
        ],
        shell,
        functions=", ".join(sorted(functions)),
    )


VIEW = View(
    id="when-to-distil",
    title="When does distilling pay",
    question="For which student sizes and budgets is distilling better than training alone?",
    controls=_controls,
    answer=_answer,
)
