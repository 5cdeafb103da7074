"""How to split a budget between the teacher's training, its logits and the student."""

import functools

import jax.numpy as jnp
import numpy as np

from jaxlaws.cli.explorer import wording
from jaxlaws.cli.explorer.charts import (
    Answer,
    Axis,
    Bars,
    Code,
    Column,
    Lines,
    Map,
    Mark,
    Part,
    Scale,
    Series,
    Table,
    Vertical,
    axis_around,
)
from jaxlaws.cli.explorer.code_text import code_of, model_keyword, model_option, value
from jaxlaws.cli.explorer.controls import Control, Slider
from jaxlaws.cli.explorer.laws import Laws, with_distillation_law
from jaxlaws.cli.explorer.programs import program, traced_scenario
from jaxlaws.cli.explorer.view import FLOPS_MODEL, Given, View
from jaxlaws.cli.explorer.views.shared_controls import BUDGET, STUDENT
from jaxlaws.compute import ForwardFlops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning import DistillationPlan, Scenario, distill

_SHARES = (0.01, 0.99)
_GRID = np.linspace(*_SHARES, 50)
_CUT = np.linspace(*_SHARES, 99)
_NUM_BUDGETS = 16  # of the optimal shares; the last is that of the user
_SIZES = np.geomspace(1e3, 1e17, 4001)  # between which a teacher's size is interpolated
_PARTS = {
    "teacher": "training of the teacher",
    "logits": "logits of the teacher",
    "student": "training of the student",
}


def _share(name: str, label: str, help_text: str, default: float) -> Slider:
    return Slider(
        name=name,
        label=label,
        help=help_text,
        default=default,
        low=_SHARES[0],
        high=_SHARES[1],
        unit="share",
        scale="linear",
    )


def _controls(laws: Laws) -> list[Control]:
    return [
        _share("teacher_share", "Teacher", "Share of the budget for the teacher's training.", 0.3),
        _share(
            "logits_share",
            "Logits",
            "Share of what is left for the teacher's logits; the student gets the rest.",
            0.5,
        ),
        BUDGET,
        STUDENT,
        with_distillation_law(laws),
        FLOPS_MODEL,
    ]


@functools.cache
def _forward_of_sizes(forward_flops: ForwardFlops) -> np.ndarray:
    return np.asarray(forward_flops(_SIZES), dtype=float)


@program("forward_flops")
def _computed(
    *,
    law: Tree,
    flops: Array,
    num_student_params: Array,
    teacher_share: Array,
    logits_share: Array,
    forward: Array,
    budgets: Array,
    scenario: Scenario,
    forward_flops: ForwardFlops,
) -> tuple[dict[str, Array], DistillationPlan]:
    """The runs that each split pays for, with their losses; and the optimal plans."""
    spent = {
        "teacher": teacher_share * flops,
        "logits": (1 - teacher_share) * logits_share * flops,
        "student": (1 - teacher_share) * (1 - logits_share) * flops,
    }
    student_tokens = spent["student"] / (3 * forward_flops(num_student_params))
    log_forward = jnp.log(spent["logits"] / student_tokens)
    teacher_params = jnp.exp(jnp.interp(log_forward, jnp.log(forward), np.log(_SIZES)))
    teacher_tokens = spent["teacher"] / (3 * forward_flops(teacher_params))
    teacher_loss = law.supervised.loss(num_params=teacher_params, num_tokens=teacher_tokens)
    sizes = jnp.broadcast_to(num_student_params, student_tokens.shape)
    runs = {
        "num_student_tokens": student_tokens,
        "num_teacher_params": teacher_params,
        "num_teacher_tokens": teacher_tokens,
        "teacher_loss": teacher_loss,
        "loss": law.loss(
            num_student_params=sizes, num_student_tokens=student_tokens, teacher_loss=teacher_loss
        ),
    }
    plans = distill(
        law,
        flops=budgets,
        num_student_params=num_student_params,
        scenario=scenario,
        forward_flops=forward_flops,
    )
    return runs, plans


def _answer(given: Given) -> Answer:
    source, unit = given.law.source, given.law.source.loss_unit
    flops, size = given["flops"], given["num_student_params"]
    teacher, logits = given["teacher_share"], given["logits_share"]
    budgets = np.append(np.geomspace(BUDGET.low, BUDGET.high, _NUM_BUDGETS - 1), flops)
    grid = np.meshgrid(_GRID, _GRID)
    runs, plans = given.timed(
        lambda: _computed(
            law=source.law,
            flops=flops,
            num_student_params=size,
            teacher_share=np.concatenate([[teacher], _CUT, grid[0].ravel()]),
            logits_share=np.concatenate([[logits], np.full(len(_CUT), logits), grid[1].ravel()]),
            forward=_forward_of_sizes(given.forward_flops),
            budgets=budgets,
            scenario=traced_scenario("full"),
            forward_flops=given.forward_flops,
        )
    )
    here = {name: float(values[0]) for name, values in runs.items()}
    names = ("num_student_tokens", "num_teacher_params", "num_teacher_tokens", "teacher_loss")
    best = {name: float(getattr(plans, name)[-1]) for name in (*names, "loss")}
    yours = {
        "teacher": teacher,
        "logits": (1 - teacher) * logits,
        "student": (1 - teacher) * (1 - logits),
    }
    optimal = {part: float(plans.shares[part][-1]) for part in _PARTS}
    cut, surface = runs["loss"][1 : 1 + len(_CUT)], runs["loss"][1 + len(_CUT) :]
    surface = surface.reshape(len(_GRID), len(_GRID))
    of_rest = optimal["logits"] / (1 - optimal["teacher"])
    best_at = (optimal["teacher"], of_rest)
    return Answer(
        sentence=_sentence(flops, size, yours, optimal, here["loss"], best["loss"], unit),
        notes=[
            "The budget pays for the teacher's training, its logits on the student's tokens, and "
            "the student. The share of the logits decides the size of the teacher.",
            *source.caveats,
        ],
        extrapolation=wording.extrapolation(
            {"num_student_params": size, **here}, source.fitted_range
        ),
        charts=[
            _bars(yours, optimal),
            _map(surface, best["loss"], (teacher, logits), best_at, unit),
            _cut(cut, teacher, logits, here["loss"], best["loss"], unit),
            _over_budgets(budgets, plans),
        ],
        tables=[_table(here, best, unit)],
        code=_code(given, here),
        compiled=given.compiled,
    )


def _in_words(shares: dict[str, float]) -> str:
    return (
        f"{wording.percent(shares['teacher'])} on the teacher's training, "
        f"{wording.percent(shares['logits'])} on its logits and "
        f"{wording.percent(shares['student'])} on the student"
    )


def _sentence(
    flops: float,
    size: float,
    yours: dict[str, float],
    optimal: dict[str, float],
    here: float,
    best: float,
    unit: str,
) -> str:
    begin = (
        f"Of {wording.flops(flops)}, {_in_words(yours)} give a student of {wording.size(size)} a "
        f"loss of {wording.loss(here, unit)}"
    )
    if not np.isfinite(best):
        return f"{begin}. No optimal split is known for this budget: raise it."
    return (
        f"{begin}, {max(here - best, 0):.4f} above the best split: {_in_words(optimal)} reach "
        f"{wording.number(best)}."
    )


def _bars(yours: dict[str, float], optimal: dict[str, float]) -> Bars:
    return Bars(
        id="shares",
        title="Your split and the best one",
        alt=f"Your split: {_in_words(yours)}. The best: {_in_words(optimal)}.",
        categories=["your split", "best split"],
        value=Axis("Share of the budget", "%", "linear", 0.0, 100.0),
        parts=[
            Part(label, name, [100 * yours[name], 100 * optimal[name]])
            for name, label in _PARTS.items()
        ],
    )


def _map(
    surface: np.ndarray,
    best: float,
    here: tuple[float, float],
    best_at: tuple[float, float],
    unit: str,
) -> Map:
    above = surface - best
    finite = above[np.isfinite(above)]
    most = float(f"{np.quantile(finite, 0.7):.1g}") if finite.size else 1.0
    marks = [Mark(100 * here[0], 100 * here[1], "your split")]
    if np.isfinite(best_at).all():
        marks.append(Mark(100 * best_at[0], 100 * best_at[1], "best split", "optimum"))
    axis = ("%", "linear", 100 * _SHARES[0], 100 * _SHARES[1])
    return Map(
        id="map",
        title="Loss of every split above that of the best",
        alt=f"Loss above the best by the teacher's share and the logits' share of the rest. Your "
        f"split: {wording.percent(here[0])} and {wording.percent(here[1])}.",
        x=Axis("Teacher's training", *axis),
        y=Axis("Logits, of the rest", *axis),
        xs=100 * _GRID,
        ys=100 * _GRID,
        z=above,
        value=Scale(
            label="Loss above the best",
            unit=wording.loss_unit(unit),
            min=0.0,
            max=most or 0.1,
            extends="max",
        ),
        marks=marks,
    )


def _cut(
    losses: np.ndarray, teacher: float, logits: float, here: float, best: float, unit: str
) -> Lines:
    return Lines(
        id="cut",
        title="Loss over the teacher's share",
        alt=f"With {wording.percent(logits)} of the rest for logits, the loss is lowest at "
        f"{wording.percent(float(_CUT[np.argmin(losses)]))} for the teacher's training.",
        x=Axis("Teacher's training", "%", "linear", 100 * _SHARES[0], 100 * _SHARES[1]),
        y=axis_around("Loss", wording.loss_unit(unit), [np.quantile(losses, [0, 0.8]), [here]]),
        series=[
            Series(name="your share of logits", role="distil", x=100 * _CUT, y=losses),
            Series(
                name="best split",
                role="optimum",
                style="dashed",
                x=100 * np.array(_SHARES),
                y=[best, best],
            ),
        ],
        marks=[Mark(100 * teacher, here, "your split")],
    )


def _over_budgets(budgets: np.ndarray, plans: DistillationPlan) -> Lines:
    order = np.argsort(budgets)
    return Lines(
        id="over_budgets",
        title="Best split over the budget",
        alt="Best shares of the budget: "
        + "; ".join(
            f"at {wording.flops(budgets[i])} "
            + ", ".join(f"{name} {wording.percent(plans.shares[name][i])}" for name in _PARTS)
            for i in (0, len(budgets) // 2, len(budgets) - 2)
        ),
        x=Axis("Budget", "FLOPs", "log", BUDGET.low, BUDGET.high),
        y=Axis("Share of the budget", "%", "linear", 0.0, 100.0),
        series=[
            Series(name=label, role=name, x=budgets[order], y=100 * plans.shares[name][order])
            for name, label in _PARTS.items()
        ],
        verticals=[Vertical(float(budgets[-1]), "your budget")],
    )


def _table(here: dict[str, float], best: dict[str, float], unit: str) -> Table:
    return Table(
        title="What the two splits pay for",
        columns=[
            Column("split"),
            Column("loss", wording.loss_unit(unit)),
            Column("student tokens", "tokens"),
            Column("teacher size", "parameters"),
            Column("teacher tokens", "tokens"),
            Column("teacher loss", wording.loss_unit(unit)),
        ],
        rows=[
            [
                name,
                wording.number(each["loss"]),
                wording.count(each["num_student_tokens"]),
                wording.count(each["num_teacher_params"]),
                wording.count(each["num_teacher_tokens"]),
                wording.number(each["teacher_loss"]),
            ]
            for name, each in (("yours", here), ("best", best))
        ],
    )


def _code(given: Given, here: dict[str, float]) -> Code:
    size, budget = value(given["num_student_params"]), value(given["flops"])
    keyword = model_keyword(given)
    tokens, teacher_tokens = value(here["num_student_tokens"]), value(here["num_teacher_tokens"])
    teacher = value(here["num_teacher_params"])
    scenario = "TEACHER_PRETRAINING_AND_INFERENCE"
    return code_of(
        given,
        [
            "sizes = dict(",
            f"    num_student_params={size}, num_student_tokens={tokens},",
            f"    num_teacher_params={teacher}, num_teacher_tokens={teacher_tokens},",
            ")",
            f"flops = compute.distillation_flops(**sizes, logits=1, pretraining=1{keyword})",
            f"teacher = dict(num_params={teacher}, num_tokens={teacher_tokens})",
            "teacher_loss = float(predict(law.supervised, teacher))",
            'loss = float(predict(law, {**sizes, "teacher_loss": teacher_loss}))',
            'print(f"{flops:.3g} FLOPs, teacher {teacher_loss:.4f}, student {loss:.4f}")',
            f"best = distill(law, flops={budget}, num_student_params={size},",
            f"               scenario={scenario}{keyword})",
            "shares = {name: f'{100 * float(share):.1f}%' for name, share in best.shares.items()}",
            'print(f"best {best.loss:.4f}, shares {shares}")',
        ],
        [
            f"jaxlaws predict --law {given.law.file} --student {size} --tokens {tokens} "
            f"--teacher-loss {here['teacher_loss']:.6g}",
            f"jaxlaws plan distill --law {given.law.file} --student {size} --flops {budget} "
            f"--scenario full{model_option(given)}",
        ],
        functions=f"{scenario}, distill",
    )


VIEW = View(
    id="split",
    title="Split the budget",
    question="How much of the budget should the teacher's training, its logits and the student "
    "get?",
    controls=_controls,
    answer=_answer,
)
