"""A report on a fit: paragraphs, tables and figures."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from fitting.data.predictions import predict, relative_errors
from fitting.data.runs import Runs
from fitting.estimation.results import FitResult
from fitting.reporting.fit_figures import fit_and_residuals
from fitting.reporting.isoflop_sections import isoflop_report
from fitting.reporting.markdown import markdown_table
from fitting.reporting.uncertainty_figures import bootstrap_cloud, intervals
from fitting.uncertainty.caveats import coefficients_on_bounds
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.foundations.text.escaping import markdown_text
from jaxlaws.inputs import inputs_of


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
    result: FitResult, *, runs: Runs | None = None, level: float = 0.9
) -> list[str | Figure]:
    """A report on a fit.

    Args:
        result: the fit.
        runs: the runs of the fit, for the errors on these runs and, if they are at a few budgets,
            for their IsoFLOP profiles.
        level: level of the intervals.

    Returns:
        Paragraphs in Markdown and figures, in order.

    Raises:
        DataError: the runs lack an input of the law.
    """
    name = type(result.law).__name__
    parts: list[str | Figure] = [
        f"## {markdown_text(name)}",
        f"{result.num_runs} runs, objective {result.objective:.6g}, {result.status.name}; "
        f"{result.starts_agreeing:.0%} of {len(result.objective_by_start)} starts agree.",
        coefficient_table(result, level=level),
    ]
    if result.warnings:
        parts.append("\n".join(f"- {markdown_text(note)}" for note in result.warnings))
    parts += ["### Fitted range", _range_table(result)]
    parts += ["### What the runs do not determine", _open_table(result)]
    if result.roll_out:
        parts += ["### Errors beyond the fitted runs", *_roll_out_section(result.roll_out)]
    if result.ensemble is not None:
        parts += [intervals(result), bootstrap_cloud(result)]
    if runs is not None:
        called = runs.for_law(type(result.law))
        off = np.abs(relative_errors(predict(result.law, called.inputs), called))
        parts += [
            "### Errors on the runs of the fit",
            f"Mean {off.mean():.2f}%, median {np.median(off):.2f}%, worst {off.max():.2f}%.",
            fit_and_residuals(result.law, called),
        ]
        if set(result.law.input_names) == {"num_params", "num_tokens"}:
            parts += isoflop_report(result.law, called, level=level)
    return parts


def _roll_out_section(rolled: Mapping[str, Json]) -> list[str]:
    rows = [
        [
            "{:g} to {:g}".format(*step["decades"]),
            str(step["num_predictions"]),
            *(f"{step[name]:.2f}" for name in ("mean", "median", "worst")),
        ]
        for step in rolled["steps"]
    ]
    return [
        "Intervals cover the coefficients of the law, not its form. Here the law was fitted to the "
        f"smallest runs by {rolled['by']}, and predicted all larger runs, a few times with more "
        "and more runs. Decades: beyond the largest fitted run.",
        markdown_table(["decades", "predictions", "mean %", "median %", "worst %"], rows),
    ]


def _range_table(result: FitResult) -> str:
    kinds = inputs_of(result.law)
    rows = [
        [name, kinds[name].meaning, *(_quantity(end) for end in ends)]
        for name, ends in result.fitted_range.items()
    ]
    return markdown_table(["input", "meaning", "lowest", "highest"], rows)


def _quantity(value: float) -> str:
    return format_quantity(value) if value >= 1e3 else f"{value:.4g}"


def _open_table(result: FitResult) -> str:
    """The directions of the coefficients and their standard errors, the largest error first."""
    found = result.identifiability
    rows = []
    for eigenvalue, direction in zip(found.eigenvalues, found.directions, strict=True):
        order = [i for i in np.argsort(-np.abs(direction)) if abs(direction[i]) > 0.1]
        moved = ", ".join(f"{found.names[i]} {direction[i]:+.2f}" for i in order)
        error = "at an edge" if np.isinf(eigenvalue) else _error(eigenvalue)
        rows.append([moved, error])
    return markdown_table(["direction, in e-folds", "standard error, e-folds"], rows)


def _error(eigenvalue: float) -> str:
    return "infinite" if eigenvalue == 0 else f"{eigenvalue**-0.5:.2g}"
