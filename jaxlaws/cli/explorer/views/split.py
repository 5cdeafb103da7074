"""How to split a budget between the teacher's training, its logits and the student."""

import functools

import jax.numpy as jnp
import numpy as np

from jaxlaws.cli.explorer import wording
from jaxlaws.cli.explorer.charts import (
    Answer,
    Code,
)
from jaxlaws.cli.explorer.code_text import code_of, model_keyword, model_option, value
from jaxlaws.cli.explorer.controls import Control, Slider
from jaxlaws.cli.explorer.laws import Laws, with_distillation_law
from jaxlaws.cli.explorer.programs import (
    budgets_with,
    distilled,
    inputs_of,
    program,
    traced_scenario,
)
from jaxlaws.cli.explorer.view import BUDGET, FLOPS_MODEL, STUDENT, Given, View
from jaxlaws.cli.explorer.views.split_charts import (
    CUT,
    GRID,
    PARTS,
    SHARES,
    budgets_chart,
    cut_chart,
    in_words,
    share_bars,
    split_map,
    split_table,
)
from jaxlaws.compute import ForwardFlops
from jaxlaws.foundations.annotations import Array, Tree

_SIZES = np.geomspace(1e3, 1e17, 4001)  # between which a teacher's size is interpolated


def _share(name: str, label: str, help_text: str, default: float) -> Slider:
    return Slider(
        name=name,
        label=label,
        help=help_text,
        default=default,
        low=SHARES[0],
        high=SHARES[1],
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
    forward_flops: ForwardFlops,
) -> dict[str, Array]:
    """The runs that each split pays for, with their losses."""
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
    return {
        "num_student_tokens": student_tokens,
        "num_teacher_params": teacher_params,
        "num_teacher_tokens": teacher_tokens,
        "teacher_loss": teacher_loss,
        "loss": law.loss(
            num_student_params=sizes, num_student_tokens=student_tokens, teacher_loss=teacher_loss
        ),
    }


def _answer(given: Given) -> Answer:
    source, unit = given.law.source, given.law.source.loss_unit
    flops, size = given["flops"], given["num_student_params"]
    teacher, logits = given["teacher_share"], given["logits_share"]
    budgets = budgets_with(flops, BUDGET.low, BUDGET.high)
    grid = np.meshgrid(GRID, GRID)
    runs = given.timed(
        lambda: _computed(
            law=source.law,
            flops=flops,
            num_student_params=size,
            teacher_share=np.concatenate([[teacher], CUT, grid[0].ravel()]),
            logits_share=np.concatenate([[logits], np.full(len(CUT), logits), grid[1].ravel()]),
            forward=_forward_of_sizes(given.forward_flops),
            forward_flops=given.forward_flops,
        )
    )
    plans = given.timed(
        lambda: distilled(
            law=source.law,
            **inputs_of(budgets, num_student_params=size),
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
    optimal = {part: float(plans.shares[part][-1]) for part in PARTS}
    cut, surface = runs["loss"][1 : 1 + len(CUT)], runs["loss"][1 + len(CUT) :]
    surface = surface.reshape(len(GRID), len(GRID))
    outside = wording.is_beyond(runs, source.fitted_range, runs["loss"].shape)
    beyond = outside[1 + len(CUT) :].reshape(surface.shape)
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
            share_bars(yours, optimal),
            split_map(surface, beyond, best["loss"], (teacher, logits), best_at, unit),
            cut_chart(cut, teacher, logits, here["loss"], best["loss"], unit),
            budgets_chart(budgets, plans, source.fitted_range),
        ],
        tables=[split_table(here, best, unit)],
        code=_code(given, here),
        compiled=given.compiled,
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
        f"Of {wording.flops(flops)}, {in_words(yours)} give a student of {wording.size(size)} a "
        f"loss of {wording.loss(here, unit)}"
    )
    if not np.isfinite(best):
        return f"{begin}. No optimal split is known for this budget: raise it."
    above = wording.difference(max(here - best, 0), unit)
    return f"{begin}, {above} above the best split: {in_words(optimal)}."


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
