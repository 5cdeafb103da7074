"""Three strategies on one budget: compute-optimal training, overtraining, distillation."""

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
from jaxlaws.cli.explorer.view import (
    BUDGET,
    FLOPS_MODEL,
    NUM_DRAWS,
    SCENARIO,
    SERVED,
    STUDENT,
    Given,
    View,
)
from jaxlaws.cli.explorer.views.strategies_plans import NAMES, Found
from jaxlaws.cli.options.plan_options import SCENARIOS
from jaxlaws.planning.analysis.extrapolation import judged_inputs

_TO = {"train": "training compute-optimally", "overtrain": "overtraining", "distil": "distilling"}
_PARTS = {
    "student": ("training of the model", "student"),
    "logits": ("logits of the teacher", "logits"),
    "teacher": ("training of the teacher", "teacher"),
    "serving": ("serving", "serving"),
}


def _controls(laws: Laws) -> list[Control]:
    return [BUDGET, STUDENT, SERVED, SCENARIO, with_distillation_law(laws), FLOPS_MODEL]


def _answer(given: Given) -> Answer:
    found = Found(given)
    return Answer(
        sentence=_sentence(found),
        notes=_notes(found),
        extrapolation=_extrapolation(found),
        charts=[_losses(found), _split(found)],
        tables=[_table(found)],
        code=_code(found),
        compiled=given.compiled,
    )


def _sentence(found: Found) -> str:
    budget = wording.flops(found.budget)
    if found.winner is None:
        served = wording.tokens(found.served)
        return (
            f"No strategy is possible: {budget} do not pay for serving {served} and for training. "
            "Raise the budget, or lower the size or the tokens served."
        )
    plan = found.here[found.winner]
    params = plan.num_student_params if found.winner == "distil" else plan.num_params
    most = wording.size(found.size)
    begin = (
        f"For {budget} and at most {most}, {_TO[found.winner]} is best: a model of "
        f"{wording.size(params)} reaches {wording.loss(plan.loss, found.unit)}"
    )
    if found.second is None:
        return f"{begin}. No other strategy is possible."
    saved = found.compute_saved
    margin = f", {wording.difference(found.margin, found.unit)} below {_TO[found.second]}"
    if np.isfinite(saved):
        margin += f", whose loss it reaches with {wording.percent(saved)} less compute"
    share = found.share_of_draws
    return f"{begin}{margin}" + (
        f". It wins in {share:.0%} of {NUM_DRAWS} draws." if np.isfinite(share) else "."
    )


def _notes(found: Found) -> list[str]:
    notes, source = [], found.given.law.source
    size = found.size
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
    return [*notes, *wording.free_teacher(found.given["scenario"]), *source.caveats]


def _extrapolation(found: Found) -> str | None:
    if found.winner is None:
        return None
    inputs = judged_inputs(found.here[found.winner])
    return wording.extrapolation({k: float(v) for k, v in inputs.items()}, found.fitted)


def _losses(found: Found) -> Lines:
    order = np.argsort(found.budgets)
    budgets, options = found.budgets[order], found.comparison.options
    series = []
    for name in NAMES:
        plan, low, high = options[name], None, None
        if found.draws is not None:
            low, high = np.quantile(found.draws[name][:, order], [0.05, 0.95], axis=0)
        series.append(
            Series(name=NAMES[name], role=name, x=budgets, y=plan.loss[order], low=low, high=high)
        )
    beyond = [wording.is_beyond(plan, found.fitted, budgets.shape) for plan in options.values()]
    losses = ", ".join(
        f"{NAMES[name]} {wording.number(plan.loss)}" for name, plan in found.here.items()
    )
    return Lines(
        id="losses",
        title="Loss of each strategy over the budget",
        alt=f"Losses at {wording.flops(found.budget)}: {losses} {wording.loss_unit(found.unit)}.",
        x=Axis("Budget", "FLOPs", "log", BUDGET.low, BUDGET.high),
        y=axis_around("Loss", wording.loss_unit(found.unit), [each.y for each in series]),
        series=series,
        marks=[
            Mark(found.budget, float(plan.loss), _mark(found, name), role=name)
            for name, plan in found.here.items()
            if np.isfinite(plan.loss)
        ],
        verticals=[Vertical(found.budget, "your budget")],
        regions=wording.spans(
            budgets, np.min(beyond, axis=0)[order], "every plan is beyond the runs"
        ),
    )


def _mark(found: Found, name: str) -> str:
    """The name of a strategy, and why the lowest loss does not win."""
    if name != "train" or found.eligible[name]:
        return NAMES[name]
    return f"{NAMES[name]}, too large"


def _split(found: Found) -> Bars:
    spent = {name: plan.flops for name, plan in found.here.items()}
    parts = [
        Part(label, role, [plan.shares[name] * plan.flops for plan in found.here.values()])
        for name, (label, role) in _PARTS.items()
    ]
    shares = "; ".join(
        f"{NAMES[name]}: "
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
        alt=f"Shares of {wording.flops(found.budget)}. {shares or 'No strategy is possible'}.",
        categories=[NAMES[name] for name in found.here],
        value=Axis("Compute", "FLOPs", "linear", 0.0, found.budget),
        parts=parts,
    )


def _table(found: Found) -> Table:
    rows = []
    for name, plan in found.here.items():
        own = vars(plan)
        params = own.get("num_params", own.get("num_student_params"))
        tokens = own.get("num_tokens", own.get("num_student_tokens"))
        rows.append(
            [
                NAMES[name],
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


def _interval(found: Found, name: str) -> str:
    ends = None if found.draws is None else interval(found.draws[name][:, -1])
    return "–" if ends is None else " to ".join(map(wording.number, ends))


def _code(found: Found) -> Code:
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
