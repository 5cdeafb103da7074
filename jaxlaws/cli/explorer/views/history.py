"""How we got here: what each published law changed in the plan for a budget."""

import dataclasses

import jax
import numpy as np

from jaxlaws import presets
from jaxlaws.cli.explorer import wording
from jaxlaws.cli.explorer.charts import (
    Answer,
    Axis,
    Code,
    Column,
    Lines,
    Series,
    Table,
    Vertical,
    axis_around,
)
from jaxlaws.cli.explorer.code_text import code_of, model_keyword, model_option, value
from jaxlaws.cli.explorer.controls import Control, Slider
from jaxlaws.cli.explorer.laws import Laws, with_supervised_law
from jaxlaws.cli.explorer.programs import (
    budgets_with,
    distilled,
    inputs_of,
    program,
    traced_scenario,
)
from jaxlaws.cli.explorer.view import BUDGET, FLOPS_MODEL, SERVED, Given, View
from jaxlaws.compute import ForwardFlops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning import compute_optimal, train_on_limited_data

_UNIQUE = Slider(
    name="num_unique_tokens",
    label="Distinct tokens",
    help="Distinct tokens that are available, for the law of Muennighoff et al.",
    default=1e11,
    low=1e9,
    high=1e14,
    unit="tokens",
)


@dataclasses.dataclass(frozen=True)
class _Step:
    """One law of the history: what it is called, its preset, its colour, what it changed."""

    name: str
    preset: str
    role: str
    paragraph: str


_STEPS = {
    "kaplan": _Step(
        "Kaplan 2020",
        "kaplan2020",
        "law0",
        "Kaplan et al. 2020 fitted the first power laws of loss in size and tokens. Their law has "
        "no irreducible loss, and its plans put most of a larger budget into size: the number of "
        "tokens grows slowly.",
    ),
    "hoffmann": _Step(
        "Hoffmann 2022",
        "hoffmann2022_tex",
        "law1",
        "Hoffmann et al. 2022 (Chinchilla) added an irreducible loss and matched the learning-rate "
        "schedule to each run. Size and tokens then grow at nearly the same rate: models become "
        "smaller and see more tokens. Their printed coefficients still favour tokens too much.",
    ),
    "besiroglu": _Step(
        "Besiroglu 2024",
        "besiroglu2024",
        "law2",
        "Besiroglu et al. 2024 fitted the same runs again. The first fit had stopped too early; "
        "the new coefficients give about 20 tokens per parameter, which is what the Chinchilla "
        "model itself used.",
    ),
    "sardana": _Step(
        "Sardana 2024",
        "besiroglu2024",
        "law3",
        "Sardana et al. 2024 counted the cost of serving. If a model serves many tokens, a smaller "
        "model that is trained longer is cheaper over its lifetime. Shown with the law of "
        "Besiroglu et al. and your number of served tokens, which the budget pays for.",
    ),
    "muennighoff": _Step(
        "Muennighoff 2023",
        "muennighoff2023",
        "law4",
        "Muennighoff et al. 2023 limited the data. A repeated token is worth nearly a new one for "
        "about four epochs, then less and less. Beyond the distinct tokens, plans train smaller "
        "models for several epochs, until more compute no longer helps.",
    ),
    "busbridge": _Step(
        "Busbridge 2025",
        "busbridge2025_refit",
        "law5",
        "Busbridge et al. 2025 added a teacher. Shown is a student of the compute-optimal size "
        "whose budget pays for the logits of the best teacher. It sees fewer tokens and can reach "
        "a lower loss; a teacher that is too good makes it worse.",
    ),
}
_FIELDS = ("num_params", "num_tokens", "loss")


def _controls(laws: Laws) -> list[Control]:
    law = dataclasses.replace(
        with_supervised_law(laws),
        label="Compare with",
        help="Any other law of size and tokens, shown beside the published ones.",
    )
    return [BUDGET, SERVED, _UNIQUE, law, FLOPS_MODEL]


@program("forward_flops")
def _plans(*, law: Tree, forward_flops: ForwardFlops, **inputs: Array) -> dict[str, Array]:
    plan = compute_optimal(law, forward_flops=forward_flops, **inputs)
    return {each: getattr(plan, each) for each in _FIELDS}


@program("forward_flops")
def _limited_plans(*, law: Tree, forward_flops: ForwardFlops, **inputs: Array) -> dict[str, Array]:
    plan = train_on_limited_data(law, forward_flops=forward_flops, **inputs)
    return {each: getattr(plan, each) for each in _FIELDS}


def _all_plans(given: Given, own: Tree, budgets: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Sizes, tokens and losses by the name of a step, for all budgets."""
    laws = {name: presets.load(step.preset) for name, step in _STEPS.items()}
    common = {"flops": budgets, "forward_flops": given.forward_flops}

    def plans(law: Tree, served: float = 0.0) -> dict[str, np.ndarray]:
        return _plans(law=law, **common, num_inference_tokens=np.full(len(budgets), served))

    found = {name: plans(laws[name]) for name in ("kaplan", "hoffmann", "besiroglu")}
    found["sardana"] = plans(laws["sardana"], given["num_inference_tokens"])
    found["muennighoff"] = _limited_plans(
        law=laws["muennighoff"], **common, num_unique_tokens=given["num_unique_tokens"]
    )
    alone = plans(laws["busbridge"].supervised)
    student = distilled(
        law=laws["busbridge"],
        **inputs_of(budgets, num_student_params=alone["num_params"]),
        forward_flops=given.forward_flops,
        scenario=traced_scenario("inference"),
    )
    values = (student.num_student_params, student.num_student_tokens, student.loss)
    found["busbridge"] = dict(zip(_FIELDS, values, strict=True))
    return found | {"own": plans(own)}


def _answer(given: Given) -> Answer:
    budget, shown = given["flops"], given.law.supervised()
    budgets = budgets_with(budget, BUDGET.low, BUDGET.high)
    found = given.timed(lambda: _all_plans(given, shown.source.law, budgets))
    steps = {**_STEPS, "own": _Step(shown.label, shown.value, "here", "")}
    here = jax.tree.map(lambda leaf: float(leaf[-1]), found)
    first, last = (
        f"{wording.size(here[key]['num_params'])} and {wording.tokens(here[key]['num_tokens'])}"
        for key in ("kaplan", "besiroglu")
    )
    return Answer(
        sentence=f"For {wording.flops(budget)}, Kaplan's law of 2020 plans {first}; the corrected "
        f"Chinchilla law of 2024 plans {last}.",
        notes=[
            *(step.paragraph for step in _STEPS.values()),
            "The losses are of different data sets and vocabularies: compare the shapes of the "
            "curves, not their heights.",
        ],
        extrapolation=wording.extrapolation(here["own"], shown.source.fitted_range),
        charts=_charts(steps, found, here, budgets),
        tables=[_table(steps, here)],
        code=_code(given),
        compiled=given.compiled,
    )


def _charts(
    steps: dict[str, _Step],
    found: dict[str, dict[str, np.ndarray]],
    here: dict[str, dict[str, float]],
    budgets: np.ndarray,
) -> list[Lines]:
    order = np.argsort(budgets)
    quantities = {
        "size": (
            "Size that each law plans",
            lambda each: each["num_params"],
            Axis("Size", "parameters", "log", 1e6, 1e14),
            wording.size,
        ),
        "ratio": (
            "Tokens per parameter",
            lambda each: each["num_tokens"] / each["num_params"],
            Axis("Tokens per parameter", "tokens per parameter", "log", 0.01, 1e4),
            lambda number: f"{number:.3g} tokens per parameter",
        ),
        "loss": (
            "Loss that each law predicts for its plan",
            lambda each: each["loss"],
            axis_around("Loss", "nats per token", [each["loss"] for each in found.values()]),
            wording.loss,
        ),
    }
    return [
        Lines(
            id=name,
            title=title,
            alt=f"{title}, at {wording.flops(float(budgets[-1]))}: "
            + ", ".join(f"{step.name} {words(of(here[key]))}" for key, step in steps.items()),
            x=Axis("Budget", "FLOPs", "log", BUDGET.low, BUDGET.high),
            y=axis,
            series=[
                Series(
                    name=step.name,
                    role=step.role,
                    style="dashed" if key == "own" else "line",
                    x=budgets[order],
                    y=of(found[key])[order],
                )
                for key, step in steps.items()
            ],
            verticals=[Vertical(float(budgets[-1]), "your budget")],
        )
        for name, (title, of, axis, words) in quantities.items()
    ]


def _table(steps: dict[str, _Step], here: dict[str, dict[str, float]]) -> Table:
    return Table(
        title="Plans for your budget",
        columns=[
            Column("law"),
            Column("size", "parameters"),
            Column("tokens", "tokens"),
            Column("tokens per parameter"),
            Column("loss", "nats per token"),
        ],
        rows=[
            [
                step.name,
                wording.count(here[key]["num_params"]),
                wording.count(here[key]["num_tokens"]),
                f"{here[key]['num_tokens'] / here[key]['num_params']:.3g}",
                wording.number(here[key]["loss"]),
            ]
            for key, step in steps.items()
        ],
    )


def _code(given: Given) -> Code:
    budget, keyword = value(given["flops"]), model_keyword(given)
    served, distinct = value(given["num_inference_tokens"]), value(given["num_unique_tokens"])
    option = f"--flops {budget}{model_option(given)}"
    names = [_STEPS[key].preset for key in ("kaplan", "hoffmann", "besiroglu")]
    return code_of(
        given,
        [
            "def show(name, plan):",
            '    print(f"{name}: {plan.num_params:.3g} parameters, {plan.num_tokens:.3g} tokens, "',
            '          f"loss {plan.loss:.4f}")',
            f"for name in {names}:",
            f"    show(name, compute_optimal(presets.load(name), flops={budget}{keyword}))",
            f'show("own", compute_optimal(law, flops={budget}{keyword}))',
            'law = presets.load("besiroglu2024")',
            f'show("served", compute_optimal(law, flops={budget}, num_inference_tokens={served}'
            f"{keyword}))",
            'law = presets.load("muennighoff2023")',
            f'show("limited", train_on_limited_data(law, flops={budget}, '
            f"num_unique_tokens={distinct}{keyword}))",
            'teacher = presets.load("busbridge2025_refit")',
            f"size = compute_optimal(teacher, flops={budget}{keyword}).num_params",
            f"student = distill(teacher, flops={budget}, num_student_params=size, "
            f"scenario=TEACHER_INFERENCE{keyword})",
            'print(f"student: {size:.3g} parameters, loss {student.loss:.4f}")',
        ],
        [
            *(f"jaxlaws plan train --law {name} {option}" for name in names),
            f"jaxlaws plan train --law {given.law.file} {option}",
            f"jaxlaws plan train --law besiroglu2024 {option} --inference-tokens {served}",
            f"jaxlaws plan train --law muennighoff2023 {option} --unique-tokens {distinct}",
        ],
        functions="TEACHER_INFERENCE, compute_optimal, distill, train_on_limited_data",
        supervised=True,
    )


VIEW = View(
    id="history",
    title="How we got here",
    question="What did each scaling law change in the plan for a budget?",
    controls=_controls,
    answer=_answer,
)
