"""What the bootstrap draws of a fit say: plans over the draws, and intervals."""

import copy
from collections.abc import Callable, Mapping

import jax
import numpy as np

from jaxlaws.annotations import Array, Tree
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.output.progress import patience
from jaxlaws.planning.analysis import ensembles
from jaxlaws.planning.analysis.ensembles import num_draws

LEVEL = 0.9
NO_DRAWS = "this law has no bootstrap draws."


def over_draws(question: Callable[..., Tree], ensemble: Tree, inputs: Mapping[str, Array]) -> Tree:
    """The answers of all draws, as `planning.over_draws` gives them, with a message if slow."""
    with patience(f"planning with {num_draws(ensemble)} draws of the fit …"):
        return ensembles.over_draws(question, ensemble, inputs)


def first_draws(source: Source, most: int) -> Source:
    """The same law with at most this number of draws."""
    if source.ensemble is None:
        return source
    other = copy.copy(source)
    other.ensemble = jax.tree.map(lambda leaf: leaf[:most], source.ensemble)
    return other


def interval(values: Array) -> list[float] | None:
    """Ends of the central 90% of the draws' values; None where no value is finite."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    return np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
