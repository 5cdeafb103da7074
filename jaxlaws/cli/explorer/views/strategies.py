"""Three strategies on one budget: compute-optimal training, overtraining, distillation."""

import functools

import jax
import numpy as np

from jaxlaws.cli.answers.draws import SHARED_LAW, interval
from jaxlaws.cli.explorer import wording
from jaxlaws.cli.explorer.charts import (
    Answer,
    Axis,
    Bars,
    Code,
    Column,
    Lines,
    Mark,
    Part,
    Series,
    Table,
    Vertical,
    axis_around,
)
from jaxlaws.cli.explorer.code_text import code_of, model_keyword, model_option, value
from jaxlaws.cli.explorer.controls import Control
from jaxlaws.cli.explorer.laws import Laws, with_distillation_law
from jaxlaws.cli.explorer.programs import program, traced_scenario
from jaxlaws.cli.explorer.view import FLOPS_MODEL, Given, View
from jaxlaws.cli.explorer.views.shared_controls import (
    BUDGET,
    NUM_DRAWS,
    SCENARIO,
    SERVED,
    STUDENT,
)
from jaxlaws.cli.options.plan_options import SCENARIOS
from jaxlaws.compute import ForwardFlops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning import (
    Comparison,
    Scenario,
    Winner,
    compare,
    distill,
    extrapolation_decades,
    flops_to_reach,
    loss_under,
    train_fixed,
)

NUM_BUDGETS = 16  # the last is that of the user
_NAMES = {"train": "compute-optimal", "overtrain": "overtrained", "distil": "distilled"}
_TO = {"train": "training compute-optimally", "overtrain": "overtraining", "distil": "distilling"}
_PARTS = {
    "student": ("training of the model", "student"),
    "logits": ("logits of the teacher", "logits"),
    "teacher": ("training of the teacher", "teacher"),
    "serving": ("serving", "serving"),
}


def _controls(laws: Laws) -> list[Control]:
    return [BUDGET, STUDENT, SERVED, SCENARIO, with_distillation_law(laws), FLOPS_MODEL]


@program("forward_flops")
def _compared(
    *, law: Tree, scenario: Scenario, forward_flops: ForwardFlops, **inputs: Array
) -> Comparison:
    return compare(law, **inputs, scenario=scenario, forward_flops=forward_flops)


@program("forward_flops")
def _budget_of_distilling(
    *, law: Tree, scenario: Scenario, forward_flops: ForwardFlops, **inputs: Array
) -> Array:
    plan = flops_to_reach(distill, law, scenario=scenario, forward_flops=forward_flops, **inputs)
    return plan.flops


@program("forward_flops")
def _budget_of_training(*, law: Tree, forward_flops: ForwardFlops, **inputs: Array) -> Array:
    return flops_to_reach(train_fixed, law, forward_flops=forward_flops, **inputs).flops


@program()
def _losses_of_draws(*, draws: Tree, options: Tree) -> dict[str, Array]:
    return {name: loss_under(draws, plan) for name, plan in options.items()}


class _Found:
    """The comparison for all budgets, the draws, and the winner for the user's budget."""

    def __init__(self, given: Given) -> None:
        source = given.law.source
        self.given, self.unit, self.fitted = given, source.loss_unit, source.fitted_range
        self.budget = given["flops"]
        self.inputs = {
            "flops": np.append(np.geomspace(1e18, 1e27, NUM_BUDGETS - 1), self.budget),
            "num_student_params": given["num_student_params"],
            "num_inference_tokens": given["num_inference_tokens"],
        }
        self.scenario = traced_scenario(given["scenario"])
        self.comparison = given.timed(
            lambda: _compared(
                law=source.law,
                scenario=self.scenario,
                forward_flops=given.forward_flops,
                **self.inputs,
            )
        )
        self.winners = self.comparison.winner
        self.here = {
            name: jax.tree.map(lambda leaf: leaf[-1], self.comparison.options[name])
            for name in _NAMES
        }
        self.eligible = {name: bool(v[-1]) for name, v in self.comparison.eligible.items()}
        self.winner = None if self.winners[-1] < 0 else Winner(int(self.winners[-1])).name.lower()
        others = {n: p.loss for n, p in self.here.items() if self.eligible[n] and n != self.winner}
        self.second = min(others, key=others.__getitem__) if others else None
        self.margin = float(self.comparison.margin[-1])
        self.draws = self._losses_of_draws() if source.ensemble is not None else None

    def _losses_of_draws(self) -> dict[str, np.ndarray]:
        draws = self.given.law.draws(NUM_DRAWS, num_axes=1)
        options = dict(self.comparison.options)
        return self.given.timed(lambda: _losses_of_draws(draws=draws, options=options))

    @functools.cached_property
    def compute_saved(self) -> float:
        """The share of the budget that the winner does not need for the loss of the next best."""
        if self.winner is None or self.second is None:
            return np.nan
        target, given = self.here[self.second].loss, self.given
        common = {
            "law": given.law.source.law,
            "target_loss": target,
            "forward_flops": given.forward_flops,
            "num_inference_tokens": self.inputs["num_inference_tokens"],
        }
        if self.winner == "distil":
            size = {"num_student_params": self.inputs["num_student_params"]}
            needed = given.timed(
                lambda: _budget_of_distilling(**common, **size, scenario=self.scenario)
            )
        else:
            size = {"num_params": self.here[self.winner].num_params}
            needed = given.timed(lambda: _budget_of_training(**common, **size))
        return 1 - float(needed) / self.budget

    @functools.cached_property
    def share_of_draws(self) -> float:
        """The share of the draws under which the plan of the winner has the lowest loss."""
        if self.draws is None or self.winner is None:
            return np.nan
        losses = [self.draws[name][:, -1] for name, may_win in self.eligible.items() if may_win]
        return float(np.mean(self.draws[self.winner][:, -1] <= np.min(losses, axis=0)))


def _answer(given: Given) -> Answer:
    found = _Found(given)
    return Answer(
        sentence=_sentence(found),
        notes=_notes(found),
        extrapolation=_extrapolation(found),
        charts=[_losses(found), _split(found)],
        tables=[_table(found)],
        code=_code(found),
        compiled=given.compiled,
    )


def _sentence(found: _Found) -> str:
    budget = wording.flops(found.budget)
    if found.winner is None:
        served = wording.tokens(found.inputs["num_inference_tokens"])
        return (
            f"No strategy is possible: {budget} do not pay for serving {served} and for training. "
            "Raise the budget, or lower the size or the tokens served."
        )
    plan = found.here[found.winner]
    params = plan.num_student_params if found.winner == "distil" else plan.num_params
    begin = (
        f"With {budget}, {_TO[found.winner]} is best: a model of {wording.size(params)} reaches "
        f"{wording.loss(plan.loss, found.unit)}"
    )
    if found.second is None:
        return f"{begin}. No other strategy is possible."
    saved = found.compute_saved
    margin = f", {found.margin:.4f} below {_TO[found.second]}"
    if np.isfinite(saved):
        margin += f", whose loss it reaches with {wording.percent(saved)} less compute"
    share = found.share_of_draws
    return f"{begin}{margin}" + (
        f". It wins in {share:.0%} of {NUM_DRAWS} draws." if np.isfinite(share) else "."
    )


def _notes(found: _Found) -> list[str]:
    notes, source = [], found.given.law.source
    size = found.inputs["num_student_params"]
    train = found.here["train"]
    if not found.eligible["train"] and np.isfinite(train.loss):
        notes.append(
            f"The compute-optimal size, {wording.size(train.num_params)}, is larger than the "
            f"student, {wording.size(size)}, so that strategy cannot win."
        )
    if not found.eligible["overtrain"] and np.isfinite(found.here["overtrain"].loss):
        notes.append("The student is not smaller than the compute-optimal size.")
    if found.draws is None:
        notes.append("This law has no bootstrap draws: there are no bands and no confidence.")
    else:
        notes.append(
            "Bands hold 90% of the draws; each draw predicts the losses of the same plans."
        )
    if source.supervised_is_constant:
        notes.append(f"{SHARED_LAW} the bands.")
    return [*notes, *source.caveats]


def _values(plan: Tree) -> dict[str, float]:
    names = ("num_params", "num_tokens", "num_student_params", "num_student_tokens", "teacher_loss")
    return {name: float(getattr(plan, name)) for name in names if hasattr(plan, name)}


def _extrapolation(found: _Found) -> str | None:
    if found.winner is None:
        return None
    return wording.extrapolation(_values(found.here[found.winner]), found.fitted)


def _losses(found: _Found) -> Lines:
    order = np.argsort(found.inputs["flops"])
    budgets, options = found.inputs["flops"][order], found.comparison.options
    series = []
    for name in _NAMES:
        plan, low, high = options[name], None, None
        if found.draws is not None:
            low, high = np.quantile(found.draws[name][:, order], [0.05, 0.95], axis=0)
        series.append(
            Series(name=_NAMES[name], role=name, x=budgets, y=plan.loss[order], low=low, high=high)
        )
    decades = np.array([extrapolation_decades(plan, found.fitted) for plan in options.values()])
    losses = ", ".join(
        f"{_NAMES[name]} {wording.number(plan.loss)}" for name, plan in found.here.items()
    )
    return Lines(
        id="losses",
        title="Loss of each strategy over the budget",
        alt=f"Losses at {wording.flops(found.budget)}: {losses} {wording.loss_unit(found.unit)}.",
        x=Axis("Budget", "FLOPs", "log", 1e18, 1e27),
        y=axis_around("Loss", wording.loss_unit(found.unit), [each.y for each in series]),
        series=series,
        marks=[
            Mark(found.budget, float(plan.loss), _NAMES[name], role=name)
            for name, plan in found.here.items()
            if np.isfinite(plan.loss)
        ],
        verticals=[Vertical(found.budget, "your budget")],
        regions=wording.spans(
            budgets, np.min(decades, axis=0)[order] > 0, "every plan is beyond the runs"
        ),
    )


def _split(found: _Found) -> Bars:
    spent = {name: plan.flops for name, plan in found.here.items()}
    parts = [
        Part(label, role, [plan.shares[name] * plan.flops for plan in found.here.values()])
        for name, (label, role) in _PARTS.items()
    ]
    shares = "; ".join(
        f"{_NAMES[name]}: "
        + ", ".join(
            f"{label} {wording.percent(float(plan.shares[part]))}"
            for part, (label, _) in _PARTS.items()
            if plan.shares[part] > 0
        )
        for name, plan in found.here.items()
        if np.isfinite(spent[name])
    )
    return Bars(
        id="split",
        title="What the lifetime compute is spent on",
        alt=f"Shares of compute. {shares}.",
        categories=[_NAMES[name] for name in found.here],
        value=Axis("Compute", "FLOPs", "linear", 0.0, found.budget),
        parts=parts,
    )


def _table(found: _Found) -> Table:
    rows = []
    for name, plan in found.here.items():
        own = vars(plan)
        params = own.get("num_params", own.get("num_student_params"))
        tokens = own.get("num_tokens", own.get("num_student_tokens"))
        rows.append(
            [
                _NAMES[name],
                wording.number(plan.loss),
                wording.count(params),
                wording.count(tokens),
                wording.count(own.get("num_teacher_params", np.nan)),
                wording.number(own.get("teacher_loss", np.nan)),
                wording.power(plan.flops * (1 - plan.shares.serving)),
                wording.power(plan.flops * plan.shares.serving),
                wording.power(plan.flops),
                _interval(found, name),
            ]
        )
    unit = wording.loss_unit(found.unit)
    return Table(
        title="The strategies at your budget",
        columns=[
            Column("strategy"),
            Column("loss", unit),
            Column("size", "parameters"),
            Column("tokens", "tokens"),
            Column("teacher size", "parameters"),
            Column("teacher loss", unit),
            Column("before serving", "FLOPs"),
            Column("serving", "FLOPs"),
            Column("lifetime", "FLOPs"),
            Column("90% of draws", unit),
        ],
        rows=rows,
    )


def _interval(found: _Found, name: str) -> str:
    ends = None if found.draws is None else interval(found.draws[name][:, -1])
    return "–" if ends is None else " to ".join(map(wording.number, ends))


def _code(found: _Found) -> Code:
    given = found.given
    budget, size = value(given["flops"]), value(given["num_student_params"])
    served = value(given["num_inference_tokens"])
    scenario = SCENARIOS[given["scenario"]][0]
    body = [
        "answer = compare(",
        f"    law, flops={budget}, num_student_params={size}, num_inference_tokens={served},",
        f"    scenario={scenario}{model_keyword(given)},",
        ")",
        "print(answer.reason)",
        "for name, plan in answer.options.items():",
        '    print(f"{name}: loss {plan.loss:.4f}, {plan.flops:.3g} FLOPs")',
        'print(f"margin {answer.margin:.4f}")',
    ]
    functions = ["compare", scenario]
    if found.winner is not None and found.second is not None:
        question = "distill" if found.winner == "distil" else "train_fixed"
        sizes = f"num_student_params={size}, scenario={scenario}"
        if found.winner != "distil":
            sizes = f"num_params=answer.options.{found.winner}.num_params"
        body += [
            "needed = flops_to_reach(",
            f"    {question}, law, target_loss=answer.options.{found.second}.loss, {sizes},",
            f"    num_inference_tokens={served}{model_keyword(given)},",
            ")",
            f'print(f"{{100 * (1 - needed.flops / {budget}):.1f}}% less compute")',
        ]
        functions += [question, "flops_to_reach"]
    if found.draws is not None and found.winner is not None:
        body += [
            f"draws = jax.tree.map(lambda leaf: leaf[:{NUM_DRAWS}], draws)",
            "losses = {",
            "    name: loss_under(draws, plan)",
            "    for name, plan in answer.options.items()",
            "    if answer.eligible[name]",
            "}",
            f'wins = losses["{found.winner}"] <= np.min([*losses.values()], axis=0)',
            'print(f"wins in {np.mean(wins):.0%} of the draws")',
        ]
        functions.append("loss_under")
    return code_of(
        given,
        body,
        [
            f"jaxlaws plan compare --law {given.law.file} --flops {budget} --student {size} "
            f"--inference-tokens {served} --scenario {given['scenario']}{model_option(given)}"
        ],
        functions=", ".join(sorted(functions)),
        draws=found.draws is not None,
    )


VIEW = View(
    id="strategies",
    title="Three strategies",
    question="Train compute-optimally, overtrain a smaller model, or distil it: which gives the "
    "lowest loss for a lifetime budget?",
    controls=_controls,
    answer=_answer,
)
