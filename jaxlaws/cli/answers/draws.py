"""A question answered with every draw of a fit, with a word where that takes long."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from jaxlaws.cli.output.progress import patience
from jaxlaws.planning.analysis import ensembles
from jaxlaws.planning.analysis.ensembles import num_draws

LEVEL = 0.9


def over_draws(
    question: Callable[..., Any], ensemble: Any, asked: Mapping[str, Any] | None = None
) -> Any:
    """`ensembles.over_draws`, saying so once it has taken a while."""
    with patience(f"planning with {num_draws(ensemble)} draws of the fit …"):
        return ensembles.over_draws(question, ensemble, asked)


def interval(values: np.ndarray) -> list[float] | None:
    """Ends of the central 90% of what the draws give; None where they give nothing finite."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    return np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
