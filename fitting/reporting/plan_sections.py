"""Plans with a fitted law, as a section of a report."""

from collections.abc import Callable, Mapping

import jax
import numpy as np

from fitting.reporting.markdown import markdown_table
from fitting.validation.errors_by_distance import decades_beyond, errors_at
from jaxlaws.foundations.annotations import Array, Json, Tree
from jaxlaws.foundations.law import Law
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.foundations.text.cells import DISTANCE, cell
from jaxlaws.planning import (
    compute_optimal,
    extrapolation_decades,
    is_solved,
    over_draws,
    search_failed,
)

_NUM_DRAWS = 200
_FORMATS = {"num_params": format_quantity, "num_tokens": format_quantity, "loss": "{:.4f}".format}


def plan_section(
    law: Law,
    *,
    fitted_range: Mapping[str, tuple[float, float]],
    ensemble: Tree = None,
    rolled: Mapping[str, Json] | None = None,
) -> list[str]:
    """Paragraphs on the plans at the largest fitted budget, and at smaller and larger budgets.

    Args:
        law: the law; there are no paragraphs for a law of other inputs than size and tokens.
        fitted_range: lowest and highest fitted value of each input.
        ensemble: bootstrap draws, for intervals.
        rolled: the errors of a roll-out, `FitResult.roll_out`, if there was one.
    """
    names = {"num_params", "num_tokens"}
    if set(law.input_names) != names or not names <= set(fitted_range):
        return []
    largest = 6 * fitted_range["num_params"][1] * fitted_range["num_tokens"][1]
    flops = largest * np.array([0.01, 0.1, 1.0, 10.0, 100.0])
    plan, draws = compute_optimal(law, flops=flops), {}
    if ensemble is not None:
        some = jax.tree.map(lambda leaf: leaf[:_NUM_DRAWS], ensemble)
        drawn = over_draws(compute_optimal, some, {"flops": flops})
        draws = {
            name: np.where(is_solved(drawn.status), getattr(drawn, name), np.nan)
            for name in _FORMATS
        }
    decades = extrapolation_decades(plan, fitted_range)
    failed = search_failed(plan.status)
    off = errors_at(rolled, decades_beyond(rolled, vars(plan)))["mean"] if rolled else None
    rows = []
    for index, budget in enumerate(flops):
        cells = [
            form(getattr(plan, name)[index])
            + ("?" if failed[index] else "")
            + (_interval(draws[name][:, index], form) if draws else "")
            for name, form in _FORMATS.items()
        ]
        cells.append(cell("extrapolation_decades", decades[index]))
        if off is not None:
            cells.append("" if np.isnan(off[index]) else f"{off[index]:.2f}%")
        rows.append([format_quantity(budget), *cells])
    heads = ["FLOPs", "parameters", "tokens", "loss", *DISTANCE.values()]
    return [
        "## Compute-optimal plans",
        markdown_table([*heads, "mean error of the roll-out"][: len(rows[0])], rows),
        "The budget in the middle, C = 6 N D, trains the largest fitted size N on the largest "
        "number D of fitted tokens. Outside the fit: how far the size or the tokens lie "
        "beyond the fitted runs, as a factor."
        + (" With a question mark: not solved, a better plan may exist." if failed.any() else "")
        + (
            " Brackets: central 90% of the fit's draws. They cover the coefficients, not the form "
            "of the law."
            if draws
            else ""
        ),
    ]


def _interval(values: Array, form: Callable[[float], str]) -> str:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return ""
    low, high = np.quantile(finite, [0.05, 0.95])
    return f" [{form(low)}, {form(high)}]"
