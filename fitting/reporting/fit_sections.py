"""A report on a fit, and its table of coefficients."""

from collections.abc import Callable, Sequence

from fitting.data.runs import Runs
from fitting.estimation.results import FitResult
from fitting.reporting.data_sections import FitSource, data_section
from fitting.reporting.markdown import markdown_table
from fitting.reporting.pages import Part
from fitting.reporting.trust_sections import trust_section
from fitting.uncertainty.caveats import coefficients_on_bounds
from jaxlaws.foundations.text.escaping import markdown_text


def coefficient_table(
    result: FitResult,
    *,
    level: float = 0.9,
    digits: int = 5,
    table: Callable[[Sequence[str], Sequence[Sequence[str]]], str] = markdown_table,
) -> str:
    """A table of the coefficients, their intervals, and their restraints.

    Args:
        result: the fit. It has intervals if it has a bootstrap. The draws give no interval of a
            coefficient on a bound; `profile` does.
        level: level of the intervals.
        digits: number of significant digits.
        table: `markdown_table` or `latex_table` of `reporting.markdown`.
    """
    columns = ["coefficient", "value"]
    if result.ensemble is not None:
        columns += [f"low ({level:.0%})", "high"]
    restraints = result.held()
    if restraints:
        columns.append("restraint")
    rows, on_bounds = [], coefficients_on_bounds(result, level)
    for name, each in result.coefficients(level).items():
        numbers = [each[key] for key in ("value", "low", "high")]
        cells = [f"{x:.{digits}g}" for x in numbers if x is not None]
        if name in on_bounds:
            cells[1:] = ["on a bound"] * len(cells[1:])
        words = [restraints.get(name, "")] if restraints else []
        rows.append([name, *cells, *words])
    return table(columns, rows)


def fit_report(
    result: FitResult, *, runs: Runs | None = None, unit: str = "nats", level: float = 0.9
) -> list[Part]:
    """A report on a fit.

    Args:
        result: the fit.
        runs: the runs of the fit, for the errors on these runs and, if they are at a few budgets,
            for their IsoFLOP profiles.
        unit: of the loss.
        level: level of the intervals.

    Returns:
        Paragraphs in Markdown and pictures, in order.

    Raises:
        DataError: the runs lack an input of the law.
    """
    source = FitSource(result=result, name=type(result.law).__name__, runs=runs, unit=unit)
    return [
        f"## {markdown_text(source.name)}",
        *data_section(source, level=level),
        *trust_section(source, level=level),
    ]
