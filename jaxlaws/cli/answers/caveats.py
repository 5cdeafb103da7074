"""What the fit behind a plan does not determine, in the plan's document."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from jaxlaws.cli.answers import free_teacher
from jaxlaws.cli.answers.free_teacher import TOKENS_IN_WORDS, is_trained_for_free
from jaxlaws.cli.options.law_source import Source
from jaxlaws.foundations.annotations import Array, Json, Tree
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.foundations.text.cells import WORDS, cell
from jaxlaws.foundations.text.table_columns import known
from jaxlaws.planning import DEFAULT_BOUNDS, optimal_budget
from jaxlaws.precision import float64

if TYPE_CHECKING:
    from jaxlaws.cli.answers.presentation import Answered

FORM = "The intervals cover the coefficients of the law, not its form."
NOT_IN_TABLES = ("caveats", "not_determined")  # keys that are not columns of a table
_SPLITS = {"num_params": "num_tokens", "num_student_params": "num_student_tokens"}
_PLANS = ("plan", "smaller", "plans", "supervised", "distilled")  # fields that hold plans
_WIDEST = 100.0  # ratio of the ends of the interval of a size that the draws determine


def add_caveats(found: "Answered", document: dict[str, Json]) -> dict[str, Json]:
    """The document of a plan with its `caveats`, a sentence each.

    Where the runs of the fit do not determine how a plan splits its compute between the size and
    the tokens, these numbers are None, and `split_range` has their ranges.
    """
    source = found.source
    from fitting.uncertainty.caveats import fewer_coefficients

    caveats, intervals = list(source.caveats), document.get("intervals", {})
    plan = getattr(found.result, "plan", found.result)
    free = getattr(plan, "active_bounds", {})
    caveats += found.kind.caveats(found)
    if is_trained_for_free(found.question, found.inputs):
        caveats += free_teacher.in_words(found.result)
        if "num_teacher_tokens" in document:
            document = document | {"not_determined": ["num_teacher_tokens"]}
    for name, ends in intervals.items():
        if name in free and np.ndim(free[name]) == 0 and not free[name]:
            caveats += _on_bounds(name, ends)
    for size, tokens in _SPLITS.items():
        is_given = size in found.inputs and found.question.func is not optimal_budget
        if size not in free or is_given:
            continue
        ratio, drawn = source.open_splits.get(size), intervals.get(size)
        if ratio is None and (drawn is None or drawn[1] < _WIDEST * drawn[0]):
            continue
        given = {size, tokens, "flops"} & found.inputs.keys()
        ends = {name: intervals[name] for name in (size, tokens) if name in intervals}
        if given & {size, tokens}:
            ends = {}
        elif ratio is not None and np.isfinite(ratio):
            ends = _exchanged(plan, size, tokens, ratio, ends)
            caveats += [] if found.swept else [_at_ratio(found, plan, size, tokens, ratio)]
        what = "the plan gives ranges; its loss is not known either"
        if size not in document:
            what = "do not rely on the size, the tokens and the loss"
        caveats.append(
            f"The runs do not determine how the compute is split between {WORDS[size]} and "
            f"{WORDS[tokens]}: {what}. Add runs with other ratios of tokens to parameters"
            f"{fewer_coefficients(source.fit) if ratio is None and source.fit else ''}"
        )
        open_names = {size, tokens, "tokens_per_param", "loss", "flops"} - given
        document = _without_point(document, open_names, ends)
    if intervals or "probabilities" in document or "draws" in document:
        caveats.append(FORM)
    caveats += form_error(found.source, planned_models(found.result), "plan")
    return document | ({"caveats": caveats} if caveats else {})


def planned_models(result: Tree) -> list[Mapping[str, Array]]:
    """The plans of single models in an answer, each by the names of its fields."""
    fields = vars(result)
    if "status" in fields and {"num_params", "num_student_params"} & fields.keys():
        return [fields]
    parts = [fields[name] for name in _PLANS if name in fields]
    parts += [*fields["options"].values()] if "options" in fields else []
    return [model for part in parts for model in planned_models(part)]


def form_error(source: Source, models: Sequence[Mapping[str, Array]], what: str) -> list[str]:
    """The error that the fit's roll-out found at the distance of models, a sentence or none.

    Args:
        source: the law, and what is known of its fit.
        models: sizes and tokens by input name; they may be arrays. The farthest model counts.
        what: what a model is here, such as "plan".
    """
    if not source.roll_out or not models:
        return []
    from fitting.validation.errors_by_distance import decades_beyond, roll_out_in_words

    decades = np.concatenate([np.ravel(decades_beyond(source.roll_out, each)) for each in models])
    which = "this" if decades.size == 1 else "the farthest"
    words = roll_out_in_words(source.roll_out, decades, f"{which} {what}")
    return [words] if words else []


def ranges_in_words(document: dict[str, Json]) -> dict[str, Json]:
    """The cells of the numbers that a plan does not determine, by their key in the document."""
    words: dict[str, Json] = {}
    for name in document.get("not_determined", ()):
        ends, shape = document.get("split_range", {}).get(name), np.shape(document[name])
        text = TOKENS_IN_WORDS if name == "num_teacher_tokens" else "not determined"
        cells = np.full(shape, text, dtype=object)
        if ends is not None:
            pairs = zip(np.ravel(ends["low"]), np.ravel(ends["high"]), strict=True)
            texts = [f"{cell(name, low)} to {cell(name, high)}" for low, high in pairs]
            cells = np.array(texts, dtype=object).reshape(shape)
        words[name] = cells.tolist()
    return words


def _on_bounds(name: str, ends: list[float]) -> list[str]:
    """A sentence for each end of an interval that is a bound of the search."""
    if name not in WORDS or name.endswith("loss"):
        return []
    sides = zip(("lower", "upper"), ends, DEFAULT_BOUNDS, strict=True)
    return [
        f"The interval of the {WORDS[name]} ends at the {side} bound of the search, "
        f"{format_quantity(bound)}: the draws of the fit do not determine this end"
        for side, end, bound in sides
        if np.isclose(end, bound, rtol=1e-6)
    ]


def _exchanged(
    plan: Tree, size: str, tokens: str, ratio: float, intervals: dict[str, Json]
) -> dict[str, Json]:
    """Ranges of the size and the tokens of all plans that the runs allow.

    At `D = ratio * N`, `L(D / ratio, ratio * N)` is the same loss as `L(N, D)`. The plan of that
    law exchanges the roles of size and tokens: `D* / ratio` parameters and `ratio * N*` tokens.
    """
    planned = {size: getattr(plan, size), tokens: getattr(plan, tokens)}
    ends = {n: [v, *intervals.get(n, ())] for n, v in planned.items()}
    ends[size], ends[tokens] = (
        [*ends[size], *(np.asarray(each) / ratio for each in ends[tokens])],
        [*ends[tokens], *(np.asarray(each) * ratio for each in ends[size])],
    )
    return {n: [known(np.minimum.reduce(v)), known(np.maximum.reduce(v))] for n, v in ends.items()}


def _at_ratio(found: "Answered", plan: Tree, size: str, tokens: str, ratio: float) -> str:
    """The plan at the ratio of the runs, with the compute of a single plan."""
    num_params = float(np.sqrt(getattr(plan, size) * getattr(plan, tokens) / ratio))
    words = f"{format_quantity(num_params)} parameters on {format_quantity(ratio * num_params)} "
    loss = ""
    if size == "num_params":
        law = getattr(found.source.law, "supervised", found.source.law)
        with float64():
            there = law.loss(num_params=np.asarray(num_params), num_tokens=ratio * num_params)
        loss = f" to a loss of {float(there):.4f}"
    return (
        f"At the ratio of the runs, {format_quantity(ratio)} tokens per parameter, this compute "
        f"trains {words}tokens{loss}"
    )


def _without_point(
    document: dict[str, Json], names: set[str], ends: dict[str, Json]
) -> dict[str, Json]:
    gone = [name for name in document if name in names]
    nothing = {name: known(np.full(np.shape(document[name]), np.nan)) for name in gone}
    ranges = {name: dict(zip(("low", "high"), pair, strict=True)) for name, pair in ends.items()}
    intervals = {n: pair for n, pair in document.get("intervals", {}).items() if n not in gone}
    gone = [*document.get("not_determined", ()), *gone]
    document = document | nothing | {"split_range": ranges, "not_determined": gone}
    return document | ({"intervals": intervals} if "intervals" in document else {})
