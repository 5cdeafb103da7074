"""Results as tables in Markdown."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from fitting.reporting.markdown import markdown_table
from fitting.scaling.optimal_scaling import QUANTITIES, OptimalScaling
from fitting.validation.hold_outs import HoldOut
from fitting.validation.model_comparison import ComparedLaw
from jaxlaws.quantities import format_quantity


def comparison_table(compared: Sequence[ComparedLaw]) -> str:
    """A comparison as a table in Markdown; criteria above the lowest, errors in per cent."""
    least = {key: min(getattr(each, key) for each in compared) for key in ("aicc", "bic")}
    rows = []
    for each in compared:
        told = each.summary()
        value, low, high = each.difference
        rows.append(
            [
                each.name,
                str(each.num_free),
                f"{each.aicc - least['aicc']:.1f}",
                f"{each.bic - least['bic']:.1f}",
                *(f"{told['errors'][key]:.2f}" for key in ("mean", "median", "worst")),
                "" if each is compared[0] else f"{value:+.2f} ({low:+.2f} to {high:+.2f})",
            ]
        )
    columns = ["law", "free", "ΔAICc", "ΔBIC", "mean %", "median %", "worst %", "mean, difference"]
    return markdown_table(columns, rows)


def scaling_table(scalings: Sequence[OptimalScaling], *, flops: float, level: float = 0.9) -> str:
    """Approaches side by side as a table in Markdown: exponents, and the optimum at one budget.

    Args:
        scalings: one row each.
        flops: a budget, for which sizes, tokens and losses are told.
        level: of the intervals, told where an approach has draws.
    """
    at = f"at {format_quantity(flops)}"
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


def error_table(held: Iterable[HoldOut]) -> str:
    """Hold-outs as a table in Markdown: absolute errors in per cent of the measured losses."""
    columns = ["held out", "runs", "fitted", "predicted by", "mean %", "median %", "worst %"]
    rows = []
    for each in held:
        told = each.summary()
        for i, (name, errors) in enumerate(told["errors"].items()):
            first = [told["name"], str(told["num_unseen"]), str(told["num_fitted"])]
            numbers = [f"{errors[key]:.2f}" for key in ("mean", "median", "worst")]
            rows.append([*(first if i == 0 else ["", "", ""]), name, *numbers])
    return markdown_table(columns, rows)


def _with_interval(value: str, ends: tuple[float, float], form: Callable[[float], str]) -> str:
    return value if np.isnan(ends[0]) else f"{value} ({form(ends[0])} to {form(ends[1])})"
