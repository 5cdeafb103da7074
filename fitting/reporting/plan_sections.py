"""Plans with a fitted law, as a section of a report."""

from collections.abc import Callable, Mapping

import jax
import numpy as np

from fitting.reporting.markdown import markdown_table
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.law import Law
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.planning import compute_optimal, extrapolation_decades, over_draws

_NUM_DRAWS = 200
_FORMATS = {"num_params": format_quantity, "num_tokens": format_quantity, "loss": "{:.4f}".format}


def plan_section(
    law: Law, *, fitted_range: Mapping[str, tuple[float, float]], ensemble: Tree = None
) -> list[str]:
    """Paragraphs on the plans at the largest fitted budget, and at smaller and larger budgets.

    Args:
        law: the law; there are no paragraphs for a law of other inputs than size and tokens.
        fitted_range: lowest and highest fitted value of each input.
        ensemble: bootstrap draws, for intervals.
    """
    names = {"num_params", "num_tokens"}
    if set(law.input_names) != names or not names <= set(fitted_range):
        return []
    largest = 6 * fitted_range["num_params"][1] * fitted_range["num_tokens"][1]
    flops = largest * np.array([0.01, 0.1, 1.0, 10.0, 100.0])
    plan, draws = compute_optimal(law, flops=flops), None
    if ensemble is not None:
        some = jax.tree.map(lambda leaf: leaf[:_NUM_DRAWS], ensemble)
        draws = over_draws(compute_optimal, some, {"flops": flops})
    decades = extrapolation_decades(plan, fitted_range)
    rows = []
    for index, budget in enumerate(flops):
        cells = [
            form(vars(plan)[name][index])
            + ("" if draws is None else _interval(vars(draws)[name][:, index], form))
            for name, form in _FORMATS.items()
        ]
        rows.append([format_quantity(budget), *cells, f"{decades[index]:.1f}"])
    return [
        "## Compute-optimal plans",
        markdown_table(["FLOPs", "parameters", "tokens", "loss", "decades outside"], rows),
        "The budget in the middle, C = 6 N D, trains the largest fitted size N on the largest "
        "number D of fitted tokens. Decades outside: how far the size or the tokens lie beyond "
        "the fitted runs."
        + ("" if draws is None else " Brackets: central 90% of the fit's draws."),
    ]


def _interval(values: Array, form: Callable[[float], str]) -> str:
    low, high = np.nanquantile(values, [0.05, 0.95])
    return f" [{form(low)}, {form(high)}]"
