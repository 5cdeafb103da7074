"""The supervised law: the loss of a model from its size and tokens."""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from jaxlaws.cli.explorer import wording
from jaxlaws.cli.explorer.charts import (
    Answer,
    Code,
)
from jaxlaws.cli.explorer.code_text import code_of, model_keyword, model_option, value
from jaxlaws.cli.explorer.controls import Control, Slider
from jaxlaws.cli.explorer.laws import Laws, with_supervised_law
from jaxlaws.cli.explorer.programs import program
from jaxlaws.cli.explorer.view import FLOPS_MODEL, Given, View
from jaxlaws.cli.explorer.views.supervised_charts import (
    CURVE,
    OTHER_BUDGETS,
    SIZES,
    TOKENS,
    XS,
    YS,
    isoflop_chart,
    model_table,
    parts_bars,
    surface_map,
)
from jaxlaws.compute import ForwardFlops, training_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning import SupervisedPlan, compute_optimal, flops_to_reach

Inputs: TypeAlias = Mapping[str, Array]

_NUM_BUDGETS = 15  # with the budget of the user's point, a small batch of the planner


def _controls(laws: Laws) -> list[Control]:
    return [
        Slider(
            name="num_params",
            label="Size",
            help="Parameters of the model.",
            default=1e9,
            low=SIZES[0],
            high=SIZES[1],
            unit="parameters",
        ),
        Slider(
            name="num_tokens",
            label="Tokens",
            help="Tokens that the model is trained on.",
            default=1e11,
            low=TOKENS[0],
            high=TOKENS[1],
            unit="tokens",
        ),
        with_supervised_law(laws),
        FLOPS_MODEL,
    ]


@program("forward_flops")
def _computed(
    *,
    law: Tree,
    here: Inputs,
    surface: Inputs,
    isoflop: Inputs,
    budgets: Array,
    forward_flops: ForwardFlops,
) -> tuple[Array, Array, Array, SupervisedPlan, Array]:
    """The losses of the point, the map and the curves; the optima; the budget of equal loss."""
    losses = law.loss(**here)
    cheaper = flops_to_reach(
        compute_optimal, law, target_loss=losses[0], forward_flops=forward_flops
    )
    plans = compute_optimal(law, flops=budgets, forward_flops=forward_flops)
    return losses, law.loss(**surface), law.loss(**isoflop), plans, cheaper.flops


def _answer(given: Given) -> Answer:
    shown = given.law.supervised()
    law, unit, fitted = shown.source.law, shown.source.loss_unit, shown.source.fitted_range
    here = {"num_params": given["num_params"], "num_tokens": given["num_tokens"]}
    spent = float(training_flops(**here, forward_flops=given.forward_flops))
    budgets = np.append(np.geomspace(spent * 1e-5, spent * 1e5, _NUM_BUDGETS), spent)

    def of_tokens(budget: Array) -> np.ndarray:
        """The tokens of each size of a curve that a budget pays for."""
        model = {"num_params": CURVE, "forward_flops": given.forward_flops}
        return budget / training_flops(**model, num_tokens=1.0)

    curves = {factor: of_tokens(factor * spent) for factor in (1.0, *OTHER_BUDGETS)}
    computed = given.timed(
        lambda: _computed(
            law=law,
            here={
                "num_params": np.array([here["num_params"], here["num_params"], np.inf]),
                "num_tokens": np.array([here["num_tokens"], np.inf, np.inf]),
            },
            surface={"num_params": XS, "num_tokens": YS[:, None]},
            isoflop={"num_params": CURVE, "num_tokens": np.stack([*curves.values()])},
            budgets=budgets,
            forward_flops=given.forward_flops,
        )
    )
    losses, surface, isoflop, plans, needed = computed
    here_loss, without_end, least = losses.tolist()
    best = {name: float(getattr(plans, name)[-1]) for name in ("num_params", "num_tokens", "loss")}
    best["flops"] = float(needed)
    parts = {
        "irreducible": least,
        "finite size": without_end - least,
        "finite tokens": here_loss - without_end,
    }
    return Answer(
        sentence=_sentence(here, here_loss, spent, best, unit),
        notes=_notes(given),
        extrapolation=wording.extrapolation(here, fitted),
        charts=[
            surface_map(here, here_loss, surface, curves, plans, unit, fitted),
            isoflop_chart(here, here_loss, spent, isoflop, best, unit, fitted.get("num_params")),
            parts_bars(parts, here_loss, unit),
        ],
        tables=[model_table(here, here_loss, spent, best, parts, unit)],
        code=_code(given, here),
        compiled=given.compiled,
    )


def _sentence(
    here: dict[str, float], here_loss: float, spent: float, best: dict[str, float], unit: str
) -> str:
    model = f"{wording.size(here['num_params'])} and {wording.tokens(here['num_tokens'])}"
    begin = f"A model with {model} has a loss of {wording.loss(here_loss, unit)}"
    excess = here_loss - best["loss"]
    cost = f"and costs {wording.flops(spent)} to train"
    if not np.isfinite(excess):
        return f"{begin} {cost}."
    where = f"{wording.size(best['num_params'])} and {wording.tokens(best['num_tokens'])}"
    if excess < 1e-5:
        return f"{begin}, the least that {wording.flops(spent)} of training reach."
    less = 1 - best["flops"] / spent
    return (
        f"{begin} {cost}. The best model for that compute has {where} and a loss of "
        f"{wording.loss(best['loss'], unit)}, {wording.difference(excess, unit)} lower; the "
        f"same loss is possible with {wording.percent(less)} less compute."
    )


def _notes(given: Given) -> list[str]:
    counts = given.law.source.counts
    notes = [f"Size counts {counts}."] if counts else []
    if hasattr(given.law.source.law, "supervised"):
        notes.append("The view shows the supervised law that this distillation law contains.")
    return [
        *notes,
        "The share of finite size is what would remain with unlimited tokens; that of finite "
        "tokens is the rest.",
    ]


def _code(given: Given, here: dict[str, float]) -> Code:
    params, tokens = value(here["num_params"]), value(here["num_tokens"])
    keyword, option = model_keyword(given), model_option(given)
    spent = float(training_flops(**here, forward_flops=given.forward_flops))
    model = f"num_params={params}, num_tokens={tokens}"
    return code_of(
        given,
        [
            f"loss = float(predict(law, dict({model})))",
            f"flops = compute.training_flops({model}{keyword})",
            f"best = compute_optimal(law, flops=flops{keyword})",
            f"cheaper = flops_to_reach(compute_optimal, law, target_loss=loss{keyword})",
            'print(f"loss {loss:.4f}, {flops:.3g} FLOPs")',
            'print(f"best: {best.num_params:.3g} parameters, {best.num_tokens:.3g} tokens, "',
            '      f"loss {best.loss:.4f}")',
            'print(f"{100 * (1 - cheaper.flops / flops):.1f}% less compute")',
        ],
        [
            f"jaxlaws predict --law {given.law.file} --params {params} --tokens {tokens}",
            f"jaxlaws plan train --law {given.law.file} --flops {value(spent)}{option}",
        ],
        functions="compute_optimal, flops_to_reach",
        supervised=True,
    )


VIEW = View(
    id="supervised",
    title="Supervised law",
    question="What loss does a model of a given size reach with a given number of tokens, and how "
    "far is that from the best use of its compute?",
    controls=_controls,
    answer=_answer,
)
