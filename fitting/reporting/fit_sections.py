"""A report on a fit: its data and numbers, and how far to trust it."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from fitting.data.predictions import predict, relative_errors
from fitting.data.runs import Runs
from fitting.estimation.results import FitResult
from fitting.minimiser.status import Status
from fitting.reporting.equations import equation_of, formula_of
from fitting.reporting.fit_figures import fit_and_residuals, student_against_teacher
from fitting.reporting.fit_summary import coefficients_in_short, undetermined
from fitting.reporting.isoflop_sections import isoflop_report
from fitting.reporting.markdown import markdown_table
from fitting.reporting.pages import Part, Picture
from fitting.reporting.run_figures import has_sizes_and_tokens, loss_against_tokens_and_compute
from fitting.reporting.tables import error_table
from fitting.reporting.uncertainty_figures import bootstrap_cloud, intervals
from fitting.uncertainty.caveats import coefficients_on_bounds
from fitting.validation.hold_outs import HoldOut, error_summary
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.foundations.text.escaping import markdown_text
from jaxlaws.inputs import inputs_of

_STATUS = {
    Status.CONVERGED: "The fit converged, and the runs determine every coefficient.",
    Status.ON_BOUND: "The fit converged with a coefficient on a bound.",
    Status.FLAT_DIRECTION: "The fit converged, but the runs leave a combination of coefficients "
    "open: use the predictions, and do not interpret single coefficients.",
    Status.NOT_CONVERGED: "The fit did not converge: do not rely on it.",
    Status.NON_FINITE: "No start gave finite predictions: there is no fit to rely on.",
}


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
    """

    result: FitResult
    name: str
    runs: Runs | None = None
    table: str = ""
    date: str = ""
    unit: str = "nats"
    hold_outs: Sequence[HoldOut] = ()

    @property
    def called(self) -> Runs | None:
        """The runs with the inputs of the law."""
        return None if self.runs is None else self.runs.for_law(type(self.result.law))


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


def data_section(source: FitSource, *, level: float = 0.9) -> list[Part]:
    """The runs of a fit, the equation with its numbers, and the picture of both."""
    result, called, name = source.result, source.called, source.name
    law, unit = result.law, source.unit
    left = f"; {result.num_left} other rows have no inputs of this law" if result.num_left else ""
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


def trust_section(source: FitSource, *, level: float = 0.9) -> list[Part]:
    """How the fit ended, its errors on seen and unseen runs, and what is not determined."""
    result, called, name = source.result, source.called, source.name
    sentences = [
        _STATUS[result.status],
        f"{result.starts_agreeing:.0%} of {len(result.objective_by_start)} starts agree on the "
        f"objective {result.objective:.6g}.",
    ]
    errors = None
    if called is not None:
        errors = error_summary(relative_errors(predict(result.law, called.inputs), called))
        sentences.append(
            f"On the fitted runs the law is off by {errors['mean']:.2f}% on average, "
            f"{errors['median']:.2f}% in the median and {errors['worst']:.2f}% at worst."
        )
    parts: list[Part] = [markdown_text(" ".join(sentences))]
    parts += _unseen(source)
    parts.append("\n".join(f"- {markdown_text(each)}" for each in _not_determined(result, level)))
    if errors is not None and called is not None and called.loss.ndim == 1:
        parts.append(
            Picture(
                fit_and_residuals(result.law, called, unit=source.unit),
                f"{name}-residuals",
                "measured against predicted loss, and the residuals",
                f"Residuals of {len(called)} runs: {errors['mean']:.2f}% on average, "
                f"{errors['worst']:.2f}% at worst.",
            )
        )
    if result.ensemble is not None and len(result.identifiability.names) > 1:
        count = len(result.ensemble_status) if result.ensemble_status is not None else 0
        parts += [
            Picture(
                intervals(result),
                f"{name}-intervals",
                "intervals of the coefficients as multiples of their values",
                f"Intervals of the coefficients over {count} bootstrap draws.",
            ),
            Picture(
                bootstrap_cloud(result),
                f"{name}-draws",
                "the bootstrap draws of each pair of coefficients",
                f"{count} bootstrap draws of pairs of coefficients; a narrow cloud means that the "
                "runs determine a combination of both only.",
            ),
        ]
    if called is not None and set(result.law.input_names) == {"num_params", "num_tokens"}:
        parts += isoflop_report(result.law, called, unit=source.unit, level=level)
    return parts


def _unseen(source: FitSource) -> list[Part]:
    """The errors on runs that the fit did not see."""
    parts: list[Part] = []
    if source.hold_outs:
        first = source.hold_outs[0]
        errors = {each: error_summary(found) for each, found in first.errors.items()}
        law, other = errors.pop("law"), min(errors, key=lambda each: errors[each]["mean"])
        parts += [
            markdown_text(
                f"On runs that it did not see ({first.name}), a fit to the other "
                f"{first.fit.num_runs} runs is off by {law['mean']:.2f}% on average; the baseline "
                f"{other!r} is off by {errors[other]['mean']:.2f}%."
            ),
            error_table(source.hold_outs),
        ]
    if source.result.roll_out:
        parts += _roll_out_section(source.result.roll_out)
    if not parts:
        parts = ["No runs were held out, so the errors on new runs are not known."]
    return parts


def _not_determined(result: FitResult, level: float) -> list[str]:
    """What the runs do not determine, a sentence each."""
    found = result.identifiability
    sentences = [*result.warnings, *found.notes]
    open_names = undetermined(result, level)
    if open_names:
        sentences.append(f"Not determined by these runs: {', '.join(open_names)}.")
    known = np.isfinite(found.eigenvalues) & (np.asarray(found.eigenvalues) > 0)
    if known.any() and len(found.names) > 1:
        index = int(np.argmin(np.where(known, found.eigenvalues, np.inf)))
        direction = found.directions[index]
        moved = [found.names[i] for i in np.argsort(-np.abs(direction)) if abs(direction[i]) > 0.3]
        factor = float(np.exp(min(float(found.eigenvalues[index]) ** -0.5, 50.0)))
        sentences.append(
            f"Least certain: {', '.join(moved)}{' together' if len(moved) > 1 else ''}, within a "
            f"factor of {format_quantity(factor)} (one standard error)."
        )
    if result.ensemble is None:
        sentences.append("There are no intervals: fit with bootstrap draws to get them.")
    return list(dict.fromkeys(sentences))


def _roll_out_section(rolled: Mapping[str, Json]) -> list[Part]:
    rows = [
        [
            "{:g} to {:g}".format(*(10.0**end for end in step["decades"])),
            str(step["num_predictions"]),
            *(f"{step[name]:.2f}" for name in ("mean", "median", "worst")),
        ]
        for step in rolled["steps"]
    ]
    return [
        "Intervals cover the coefficients of the law, not its form. Here the law was fitted to the "
        f"smallest runs by {markdown_text(rolled['by'])}, and predicted all larger runs, a few "
        "times with more and more runs.",
        markdown_table(
            ["times the largest", "predictions", "mean (%)", "median (%)", "worst (%)"], rows
        ),
    ]


def _range_table(result: FitResult) -> str:
    kinds = inputs_of(result.law)
    rows = [
        [kinds[name].meaning, kinds[name].unit or "–", *(_quantity(end) for end in ends)]
        for name, ends in result.fitted_range.items()
    ]
    return markdown_table(["input", "unit", "lowest", "highest"], rows)


def _quantity(value: float) -> str:
    return format_quantity(value) if value >= 1e3 else f"{value:.4g}"
