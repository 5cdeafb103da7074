"""A fit in short: what `FitResult` shows, and its summary as text, Markdown, HTML or LaTeX."""

import dataclasses
import html
import math
import textwrap
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from fitting.data.runs import Runs
from fitting.estimation.interval_ends import IntervalMethod
from fitting.estimation.options import check_choice
from fitting.estimation.results import FitResult
from fitting.minimiser.status import Status
from fitting.reporting.markdown import latex_table, markdown_table
from fitting.uncertainty.caveats import coefficients_on_bounds, fewer_coefficients
from fitting.validation.hold_outs import ERROR_COLUMNS, roll_out_rows
from fitting.validation.model_comparison import information_criteria
from jaxlaws.foundations.law import coefficients
from jaxlaws.foundations.quantities import plain_number
from jaxlaws.foundations.text.cards import Card, cut
from jaxlaws.foundations.text.escaping import latex_text, markdown_text, terminal_text
from jaxlaws.foundations.text.tables import Table, table_html, table_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SummaryFormat: TypeAlias = Literal["text", "markdown", "html", "latex"]

NOT_DETERMINED = "not determined by these runs"
_WIDEST = 1e4  # ratio of the ends of an interval; as that of a flat direction, see `judge`
_WIDTH = 80
_MANY = 0.05  # share of the draws

_VERDICTS = {
    Status.CONVERGED: "The fit converged",
    Status.ON_BOUND: "The fit converged with a coefficient on a bound.",
    Status.FLAT_DIRECTION: "The fit converged, but the runs leave a combination of coefficients "
    "open: use the predictions, and do not interpret single coefficients.",
    Status.NOT_CONVERGED: "The fit did not converge: do not rely on it.",
    Status.NON_FINITE: "No start gave finite predictions: there is no fit to rely on.",
}

_TABLES: Mapping[str, Callable[[Table], str]] = {
    "text": lambda table: table_text(table, _WIDTH),
    "markdown": lambda table: markdown_table(table.heads, table.rows),
    "html": table_html,
    "latex": lambda table: latex_table(table.heads, table.rows),
}
_SENTENCES: Mapping[str, Callable[[str], str]] = {
    "text": lambda text: textwrap.fill(terminal_text(text), _WIDTH),
    "markdown": markdown_text,
    "html": lambda text: f"<p>{html.escape(text)}</p>",
    "latex": latex_text,
}


def summary_of(
    result: FitResult,
    format: SummaryFormat = "text",  # noqa: A002 - the word of other libraries
    level: float = 0.9,
    method: IntervalMethod = "percentile",
) -> str:
    """The summary that `FitResult.summary` returns; see there."""
    check_choice("format", format, typing.get_args(SummaryFormat))
    result = _with_usable_draws(result)
    table, say = _TABLES[format], _SENTENCES[format]
    parts = [say(_title(result)), table(coefficients_in_short(result, level, method))]
    pairs = correlations(result, level)
    if pairs is not None:
        parts += [say("Correlation of the coefficients over the draws:"), table(pairs)]
    parts += [say(each) for each in (_agreement(result), _criteria(result))]
    if result.roll_out:
        rows = [[far, *errors] for far, _, *errors in roll_out_rows(result.roll_out["steps"])]
        parts += [
            say(f"Errors on larger runs that the fit did not see, by {result.roll_out['by']}:"),
            table(Table(["times the largest fitted", *ERROR_COLUMNS], rows)),
        ]
    else:
        parts.append(say("No runs were held out."))
    parts += [say(each) for each in _caveats(result)]
    return "\n\n".join(parts)


def card_of(result: FitResult) -> Card:
    """What a fit shows in place of its fields."""
    result = _with_usable_draws(result)
    table = coefficients_in_short(result)
    notes = [_agreement(result), *_caveats(result)[:3]]
    picture = None if result.ensemble is None else lambda: _intervals_uri(result)
    return Card(_title(result), cut(table), notes, picture)


def _intervals_uri(result: FitResult) -> str:
    from jaxlaws.figures.style import data_uri

    return data_uri(picture_of(result, None))


def picture_of(result: FitResult, runs: Runs | None, *, title: str = "") -> "Figure":
    """The picture that `FitResult.plot` returns; see there."""
    from fitting.reporting import (  # these import Matplotlib
        fit_figures,
        run_figures,
        uncertainty_figures,
    )

    if runs is not None:
        called = runs.for_law(type(result.law))
        if run_figures.has_sizes_and_tokens(result.law) and called.loss.ndim == 1:
            return run_figures.loss_against_tokens_and_compute(result.law, called, title=title)
        return fit_figures.fit_and_residuals(result.law, called, title=title)
    result.usable_ensemble()  # raises an error without draws
    return uncertainty_figures.intervals(result, title=title)


def coefficients_in_short(
    result: FitResult, level: float = 0.9, method: IntervalMethod = "percentile"
) -> Table:
    """The coefficients with interval, standard error and restraint.

    A coefficient that the runs do not determine has words in place of the interval.
    """
    has_draws, held = result.ensemble is not None, result.held()
    heads = ["coefficient", "value"]
    heads += [f"low ({level:.0%})", "high", "standard error"] if has_draws else []
    heads += ["held"] if held else []
    on_bounds, open_names = coefficients_on_bounds(result, level), undetermined(result, level)
    drawn = coefficients(result.usable_ensemble()) if has_draws else {}
    rows = []
    for name, each in result.coefficients(level, method).items():
        ends = [each[end] for end in ("low", "high")]
        cells = [plain_number(end, 5) for end in ends if end is not None]
        if has_draws:
            with np.errstate(all="ignore"):  # draws along a flat direction may be infinite
                cells.append(plain_number(float(np.std(drawn[name])), 3))
        value = plain_number(each["value"] or 0.0, 5)
        if name in on_bounds:
            cells = ["on a bound", *["–"] * (len(cells) - 1)][: len(cells)]
        elif name in open_names:
            value, cells = NOT_DETERMINED, ["–"] * len(cells)
        elif name in held and has_draws and held[name] == "frozen":
            cells = ["–"] * len(cells)
        rows.append([name, value, *cells, *([held.get(name, "")] if held else [])])
    return Table(heads, rows)


def undetermined(result: FitResult, level: float = 0.9) -> tuple[str, ...]:
    """The coefficients that the runs do not determine.

    The interval of such a coefficient, if there are draws, has ends with a ratio above 10,000;
    without draws, a flat direction of the objective consists mostly of it.
    """
    if result.ensemble is not None:
        low, high = map(coefficients, result.interval(level))
        return tuple(name for name in low if 0 < low[name] * _WIDEST < high[name])
    found = result.identifiability
    flat = np.asarray(found.eigenvalues) < _FLAT
    strong = np.flatnonzero(np.any(np.abs(found.directions[flat]) > math.sqrt(0.5), axis=0))
    return tuple(found.names[index] for index in strong)


def verdict(result: FitResult, level: float = 0.9) -> str:
    """How a fit ended, which of its numbers can be trusted, and what failed draws mean."""
    words, drawn = _VERDICTS[result.status], result.ensemble_status
    failed = 0 if drawn is None else int(np.sum(drawn > Status.FLAT_DIRECTION))
    has_failed = drawn is not None and failed > _MANY * len(drawn)
    is_open = has_failed or bool(undetermined(_with_usable_draws(result), level))
    if result.status == Status.CONVERGED:
        words += f", {'but' if is_open else 'and'} the runs "
        words += f"{'do not determine' if is_open else 'determine'} every coefficient."
    if is_open and result.status <= Status.ON_BOUND:
        has_split = {"num_params", "num_tokens"} <= set(result.law.input_names)
        split = " or on how a plan splits compute between parameters and tokens" * has_split
        words += (
            " Trust predictions near the runs; do not rely on single coefficients"
            f"{split}. Add runs{fewer_coefficients(result)}."
        )
    if drawn is not None and has_failed:
        words += (
            f" {failed} of {len(drawn)} draws failed: many tables like this one do not determine "
            "the law, and intervals, which leave them out, may be too narrow."
        )
    return words


# Information about a direction whose 90% interval has ends with this ratio (1.645 standard errors
# to either side).
_FLAT = (2 * 1.645 / math.log(_WIDEST)) ** 2


def _with_usable_draws(result: FitResult) -> FitResult:
    """The fit, without its draws if none of them converged."""
    status = result.ensemble_status
    if status is None or np.any(status <= Status.FLAT_DIRECTION):
        return result
    note = f"None of the {len(status)} bootstrap draws converged."
    warnings = (*result.warnings, note)
    return dataclasses.replace(result, ensemble=None, ensemble_status=None, warnings=warnings)


def _title(result: FitResult) -> str:
    kind = type(result.law).__name__
    draws = "no bootstrap"
    if result.ensemble_status is not None:
        draws = f"{len(result.ensemble_status)} bootstrap draws"
    return f"Fit of {kind} to {result.num_runs} runs: {result.status.name}, {draws}"


def _agreement(result: FitResult) -> str:
    words = (
        f"{result.starts_agreeing:.0%} of {len(result.objective_by_start)} starts agree on the "
        f"objective {result.objective:.6g} ({result.options.objective!r})."
    )
    if result.other_optima:
        words += f" There are {len(result.other_optima)} other optima."
    return words


def _criteria(result: FitResult) -> str:
    """AIC, AICc and BIC with the likelihood that goes with the objective."""
    try:
        found = information_criteria(result)
    except (TypeError, ValueError) as error:
        return f"No AIC and BIC: {error}."
    return (
        f"AIC {found.aic:.2f}, AICc {found.aicc:.2f}, BIC {found.bic:.2f} ({found.num_free} free "
        f"numbers, {found.num_rows} observations). Only differences between fits to the same runs "
        "have a meaning."
    )


def correlations(result: FitResult, level: float) -> Table | None:
    """Pearson's correlation of the free coefficients over the draws; None without draws."""
    if result.ensemble is None:
        return None
    drawn = coefficients(result.usable_ensemble())
    left_out = {*coefficients_on_bounds(result, level), *undetermined(result, level)}
    moving = {n: x for n, x in drawn.items() if n not in left_out and np.ptp(x) > 0}
    if len(moving) < 2:
        return None
    with np.errstate(all="ignore"):
        matrix = np.corrcoef(list(moving.values()))
    names = list(moving)
    rows = [
        [name, *(f"{matrix[i, j]:+.2f}" if j < i else "" for j in range(len(names) - 1))]
        for i, name in enumerate(names)
    ]
    return Table(["", *names[:-1]], rows[1:])


def _caveats(result: FitResult) -> Sequence[str]:
    found = [*result.warnings, *result.identifiability.notes]
    if result.ensemble is None:
        found.append("No intervals: fit(..., bootstrap=1000) gives them.")
    return tuple(dict.fromkeys(found))
