"""The part of a report on the runs of a fit: the equation with its numbers, and a picture."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from fitting.data.predictions import predict, relative_errors
from fitting.data.runs import Runs
from fitting.estimation.results import FitResult
from fitting.reporting.equations import equation_of, formula_of
from fitting.reporting.fit_figures import student_against_teacher
from fitting.reporting.fit_summary import coefficients_in_short
from fitting.reporting.markdown import markdown_table
from fitting.reporting.pages import Part, Picture
from fitting.reporting.run_figures import has_sizes_and_tokens, loss_against_tokens_and_compute
from fitting.validation.hold_outs import HoldOut, error_summary
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.foundations.text.escaping import markdown_text
from jaxlaws.inputs import inputs_of


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class FitSource:
    """A fit with what a report says about its runs.

    Attributes:
        result: the fit.
        name: what the law is called, such as "supervised".
        runs: the runs of the fit, or None if they are not at hand.
        table: the name of the table; empty if not known.
        date: when it was fitted, such as "2026-11-27"; empty if not known.
        unit: of the loss.
        hold_outs: errors on runs that a fit did not see.
        left_out: what else is known of rows that were left out, such as "; 3 rows are left out".
    """

    result: FitResult
    name: str
    runs: Runs | None = None
    table: str = ""
    date: str = ""
    unit: str = "nats"
    hold_outs: Sequence[HoldOut] = ()
    left_out: str = ""

    @property
    def called(self) -> Runs | None:
        """The runs with the inputs of the law."""
        return None if self.runs is None else self.runs.for_law(type(self.result.law))


def _left_out(source: FitSource) -> str:
    """How many rows of the table the fit does not use, and why."""
    result, runs = source.result, source.runs
    number = result.num_left if runs is None else runs.num_read - result.num_runs
    if not number:
        return "; no row is left out" if runs is not None else ""
    where, best_of = (result.reading.get(name) for name in ("where", "best_of"))
    rules = [f"read where {where}"] if where else []
    rules += ["of equal inputs only the lowest outcome"] if best_of else []
    why = f" ({'; '.join(rules)})" if rules else ""
    return f"; {number} other row{'s are' if number > 1 else ' is'} left out{why}"


def data_section(source: FitSource, *, level: float = 0.9) -> list[Part]:
    """The runs of a fit, the equation with its numbers, and the picture of both."""
    result, called, name = source.result, source.called, source.name
    law, unit = result.law, source.unit
    left = source.left_out or _left_out(source)
    table = f" of {source.table}" if source.table else ""
    date = f" on {source.date}" if source.date else ""
    parts: list[Part] = [
        markdown_text(
            f"Fitted{date} to {result.num_runs} runs{table}{left}. "
            f"The loss is in {unit or 'the unit of the table'}."
        )
    ]
    equation = equation_of(law) or formula_of(law)
    if equation:
        parts.append(f"```\n{equation}\n```")
        if "L~" in equation:
            words = "Here L~ is the loss that the law without a teacher gives the student."
            parts.append(words)
    short = coefficients_in_short(result, level)
    parts += [_range_table(result), markdown_table(short.heads, short.rows)]
    if called is None or called.loss.ndim > 1:
        return parts
    errors = error_summary(relative_errors(predict(law, called.inputs), called))
    if has_sizes_and_tokens(law):
        sizes = called.inputs[law.input_names[0]]
        parts.append(
            Picture(
                loss_against_tokens_and_compute(law, called, unit=unit),
                f"{name}-runs",
                "loss of the runs against tokens and compute, with the fitted law as curves",
                f"Loss of {len(called)} runs of {format_quantity(sizes.min())} to "
                f"{format_quantity(sizes.max())} parameters, and the fitted law, which is off by "
                f"{errors['mean']:.2f}% on average.",
            )
        )
    if hasattr(law, "supervised") and "teacher_loss" in law.input_names:
        teachers = np.unique(called.inputs["teacher_loss"])
        parts.append(
            Picture(
                student_against_teacher(law, called, unit=unit),
                f"{name}-teachers",
                "the student's loss against its teacher's loss, with the fitted law as curves",
                f"Students of {len(teachers)} teachers with losses from {teachers.min():.3f} to "
                f"{teachers.max():.3f}. Where a curve rises to the left, a better teacher makes a "
                "worse student.",
            )
        )
    return parts


def _range_table(result: FitResult) -> str:
    kinds = inputs_of(result.law)
    rows = [
        [kinds[name].meaning, kinds[name].unit or "–", *(_quantity(end) for end in ends)]
        for name, ends in result.fitted_range.items()
    ]
    return markdown_table(["input", "unit", "lowest", "highest"], rows)


def _quantity(value: float) -> str:
    return format_quantity(value) if value >= 1e3 else f"{value:.4g}"
