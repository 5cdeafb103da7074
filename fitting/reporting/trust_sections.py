"""The part of a report on how far to trust a fit: errors, and what is not determined."""

from collections.abc import Mapping

import numpy as np

from fitting.data.predictions import predict, relative_errors
from fitting.estimation.results import FitResult
from fitting.reporting.data_sections import FitSource
from fitting.reporting.fit_figures import fit_and_residuals
from fitting.reporting.fit_summary import correlations, undetermined, verdict
from fitting.reporting.isoflop_sections import isoflop_report
from fitting.reporting.markdown import markdown_table
from fitting.reporting.pages import Part, Picture
from fitting.reporting.tables import error_table
from fitting.reporting.uncertainty_figures import intervals
from fitting.validation.hold_outs import ERROR_COLUMNS, error_summary, roll_out_rows
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.foundations.text.escaping import markdown_text


def trust_section(source: FitSource, *, level: float = 0.9) -> list[Part]:
    """How the fit ended, its errors on seen and unseen runs, and what is not determined."""
    result, called, name = source.result, source.called, source.name
    sentences = [
        verdict(result, level),
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
        ]
        if (pairs := correlations(result, level)) is not None:
            parts += [
                "Correlation of the coefficients over the draws. Near 1 or -1 the runs determine "
                "only a combination of both.",
                markdown_table(pairs.heads, pairs.rows),
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
    return [as_sentence(each) for each in dict.fromkeys(sentences)]


def as_sentence(text: str) -> str:
    """A text that begins and ends as a sentence; a coefficient's name keeps its letters."""
    begun = f"The {text[4:]}" if text.startswith("the ") else text
    return begun if begun.endswith(".") else f"{begun}."


def _roll_out_section(rolled: Mapping[str, Json]) -> list[Part]:
    return [
        "Intervals cover the coefficients of the law, not its form. Here the law was fitted to the "
        f"smallest runs by {markdown_text(rolled['by'])}, and predicted all larger runs, a few "
        "times with more and more runs.",
        markdown_table(
            ["times the largest", "predictions", *ERROR_COLUMNS], roll_out_rows(rolled["steps"])
        ),
    ]
