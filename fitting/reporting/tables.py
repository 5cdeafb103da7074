"""Tables in Markdown: hold-outs, comparisons of laws, and approaches to compute-optimal scaling."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from fitting.reporting.markdown import markdown_table
from fitting.scaling.optimal_scaling import QUANTITIES, OptimalScaling
from fitting.validation.hold_outs import ERROR_COLUMNS, HoldOut, error_cells
from fitting.validation.model_comparison import ComparedLaw
from jaxlaws.foundations.quantities import format_flops, format_quantity


def comparison_table(compared: Sequence[ComparedLaw]) -> str:
    """A table in Markdown of `compare_laws`, with one row per law.

    Each information criterion is given as the difference from the lowest one. Errors are absolute,
    in per cent of the measured losses. The interval of the last column is that of `compare_laws`.
    """
    lowest_aicc, lowest_bic = (
        min(each.aicc for each in compared),
        min(each.bic for each in compared),
    )
    rows = []
    for each in compared:
        value, low, high = each.difference
        rows.append(
            [
                each.name,
                str(each.num_free),
                f"{each.aicc - lowest_aicc:.1f}",
                f"{each.bic - lowest_bic:.1f}",
                *error_cells(each.errors),
                "" if each is compared[0] else f"{value:+.2f} ({low:+.2f} to {high:+.2f})",
            ]
        )
    columns = ["law", "free", "ΔAICc", "ΔBIC", *ERROR_COLUMNS, "mean minus first law's (%)"]
    return markdown_table(columns, rows)


def scaling_table(scalings: Sequence[OptimalScaling], *, flops: float, level: float = 0.9) -> str:
    """A table in Markdown of approaches: their exponents, and the optimum of each at one budget.

    Args:
        scalings: the approaches, one row each.
        flops: the budget of the optimum.
        level: level of the intervals. An approach without draws has no intervals.
    """
    at = f"at {format_flops(flops)}"
    columns = ["approach", "points", "a (N)", "b (D)", f"N {at}", f"D {at}", f"L {at}"]
    rows = []
    for each in scalings:
        lines = [each.lines[name] for name in QUANTITIES]
        exponents = [
            _with_interval(f"{line.exponent:.3f}", line.exponent_interval(level), "{:.3f}".format)
            for line in lines[:2]
        ]
        values = [
            _with_interval(form(float(line.at(flops))), line.interval(flops, level), form)
            for line, form in zip(
                lines, (format_quantity, format_quantity, "{:.3f}".format), strict=True
            )
        ]
        rows.append([each.approach, str(len(each.flops)), *exponents, *values])
    return markdown_table(columns, rows)


def error_table(hold_outs: Iterable[HoldOut]) -> str:
    """A table in Markdown of hold-outs: absolute errors in per cent of the measured losses."""
    rows = []
    for each in hold_outs:
        first = [each.name, str(len(each.unseen)), str(each.fit.num_runs)]
        for predictor, errors in each.errors.items():
            rows.append([*first, predictor, *error_cells(errors)])
            first = ["", "", ""]
    columns = ["held out", "runs", "fitted", "predictor", *ERROR_COLUMNS]
    return markdown_table(columns, rows)


def _with_interval(value: str, ends: tuple[float, float], form: Callable[[float], str]) -> str:
    return value if np.isnan(ends[0]) else f"{value} ({form(ends[0])} to {form(ends[1])})"
