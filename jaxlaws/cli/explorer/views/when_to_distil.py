"""When distillation pays: its gain over the size of the student and the budget."""

import functools

import numpy as np

from jaxlaws.cli.explorer import wording
from jaxlaws.cli.explorer.charts import (
    Answer,
    Axis,
    Code,
    Lines,
    Mark,
    Series,
    Vertical,
    axis_around,
)
from jaxlaws.cli.explorer.code_text import code_of, model_keyword, model_option, value
from jaxlaws.cli.explorer.controls import Choice, Control, Option, Slider
from jaxlaws.cli.explorer.laws import Laws, ShownLaw, with_distillation_law
from jaxlaws.cli.explorer.programs import (
    NUM_BUDGETS,
    budgets_with,
    distilled,
    inputs_of,
    program,
    traced_scenario,
    trained,
)
from jaxlaws.cli.explorer.view import BUDGET, FLOPS_MODEL, SCENARIO, STUDENT, Given, View
from jaxlaws.cli.explorer.views.when_to_distil_charts import (
    BUDGETS,
    XS,
    YS,
    crossing_lines,
    map_of_gains,
    ways_table,
)
from jaxlaws.cli.options.plan_options import SCENARIOS, ScenarioName
from jaxlaws.compute import ForwardFlops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning import (
    DistillationPlan,
    SupervisedPlan,
    distill_with,
)

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
    help="Parameters of the teacher, if one exists.",
    only_with=("teacher", "existing"),
    default=7e9,
    low=1e8,
    high=1e12,
    unit="parameters",
)
_TEACHER_LOSS = Slider(
    name="teacher_loss",
    label="Teacher loss",
    help="Loss of the teacher, if one exists.",
    only_with=("teacher", "existing"),
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
def _with_teacher(*, law: Tree, forward_flops: ForwardFlops, **inputs: Array) -> DistillationPlan:
    return distill_with(law, forward_flops=forward_flops, **inputs)


def _both(
    law: Tree,
    flops: np.ndarray,
    num_student_params: np.ndarray,
    scenario: ScenarioName,
    teacher: tuple[float, float] | None,
    forward_flops: ForwardFlops,
) -> tuple[SupervisedPlan, DistillationPlan]:
    """The plans of a student trained alone and distilled, for arrays of one shape."""
    common = {"law": law, "forward_flops": forward_flops}
    alone = trained(**common, **inputs_of(flops, num_params=num_student_params))
    charged = traced_scenario(scenario)
    if teacher is None:
        student = inputs_of(flops, num_student_params=num_student_params)
        return alone, distilled(**common, **student, scenario=charged)
    size, loss = teacher
    student = inputs_of(
        flops,
        num_student_params=num_student_params,
        num_teacher_params=size,
        teacher_loss=loss,
        logits=charged.logits,
    )
    return alone, _with_teacher(**common, **student)


@functools.lru_cache(maxsize=32)
def _gain_map(
    law: ShownLaw,
    scenario: ScenarioName,
    teacher: tuple[float, float] | None,
    forward_flops: ForwardFlops,
) -> tuple[np.ndarray, np.ndarray]:
    """For each budget (rows) and size: the gain, and whether the student is beyond the runs.

    The gain is NaN where a plan is not possible.
    """
    flops, sizes = np.repeat(YS, len(XS)), np.tile(XS, len(YS))
    # Blocks of the length of a curve share its program: once for each choice, not for a slider.
    length = len(flops) if teacher is not None else NUM_BUDGETS
    gains, beyond = [], []
    for begin in range(0, len(flops), length):
        block = slice(begin, begin + length)
        alone, student = _both(
            law.source.law, flops[block], sizes[block], scenario, teacher, forward_flops
        )
        gains.append(alone.loss - student.loss)
        beyond.append(wording.is_beyond(student, law.source.fitted_range, student.loss.shape))
    shape = (len(YS), len(XS))
    return np.concatenate(gains).reshape(shape), np.concatenate(beyond).reshape(shape)


def _answer(given: Given) -> Answer:
    source, unit = given.law.source, given.law.source.loss_unit
    size, budget = given["num_student_params"], given["flops"]
    teacher = None
    if given["teacher"] == "existing":
        teacher = (given["num_teacher_params"], given["teacher_loss"])
    common = (given["scenario"], teacher, given.forward_flops)
    gains, beyond = given.timed(lambda: _gain_map(given.law, *common))
    budgets = budgets_with(budget, *BUDGETS)
    sizes = np.full(NUM_BUDGETS, size)
    alone, student = given.timed(lambda: _both(source.law, budgets, sizes, *common))
    gain = float(alone.loss[-1] - student.loss[-1])
    here = {
        "num_student_params": size,
        "num_student_tokens": float(student.num_student_tokens[-1]),
        "teacher_loss": float(student.teacher_loss[-1]),
    }
    crossings = crossing_lines(gains)
    notes = [
        "The gain is the loss of training alone minus that of distilling; both spend the whole "
        "budget on one student.",
        *_crossing_note(crossings, size),
    ]
    if teacher is None:
        notes += wording.free_teacher(given["scenario"])
    order = np.argsort(budgets)
    curve = (alone.loss - student.loss)[order]
    return Answer(
        sentence=_sentence(size, budget, alone, student, unit),
        notes=[*notes, *source.caveats],
        extrapolation=wording.extrapolation(here, source.fitted_range),
        charts=[
            map_of_gains(gains, beyond, crossings, (size, budget, gain), unit),
            Lines(
                id="gain",
                title="Gain of this student over the budget",
                alt=f"The gain of {wording.size(size)} is {gain:.4f} {wording.loss_unit(unit)} at "
                f"{wording.flops(budget)}.",
                x=Axis("Budget", "FLOPs", "log", *BUDGETS),
                y=axis_around("Gain", wording.loss_unit(unit), [curve, [0.0]]),
                series=[
                    Series(name="gain by distilling", role="gain", x=budgets[order], y=curve),
                    Series(
                        name="no gain",
                        role="train",
                        style="dashed",
                        x=np.array(BUDGETS),
                        y=[0.0, 0.0],
                    ),
                ],
                marks=[Mark(budget, gain, "you are here")] if np.isfinite(gain) else [],
                verticals=[Vertical(budget, "your budget")],
                regions=wording.spans(
                    budgets[order],
                    wording.is_beyond(student, source.fitted_range, budgets.shape)[order],
                    "beyond the runs",
                ),
            ),
        ],
        tables=[ways_table(alone, student, unit)],
        code=_code(given, teacher),
        compiled=given.compiled,
    )


def _sentence(
    size: float, budget: float, alone: SupervisedPlan, student: DistillationPlan, unit: str
) -> str:
    what = f"For {wording.size(size)} and {wording.flops(budget)}"
    gain = float(alone.loss[-1] - student.loss[-1])
    if not np.isfinite(gain):
        return f"{what}, not both ways are possible: raise the budget or choose a smaller student."
    losses = f"{wording.loss(student.loss[-1], unit)} instead of {wording.number(alone.loss[-1])}"
    size_of_gain = wording.difference(abs(gain), unit)
    if gain > 0:
        return f"{what}, distilling pays: it reaches {losses}, a gain of {size_of_gain}."
    return f"{what}, distilling does not pay: it reaches {losses}, which is {size_of_gain} worse."


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
