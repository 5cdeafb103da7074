"""What the bootstrap draws of a fit say: plans over the draws, and intervals."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from jaxlaws import planning
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.output.progress import patience
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning import num_draws

LEVEL = 0.9
_SECONDS_PER_PLAN = 5e-4  # on two cores
SHARED_LAW = "All draws share one supervised law: its uncertainty is not in"


def no_draws(source: Source) -> str:
    """Why there are no intervals, and the remedy where the law is a fit."""
    remedy = "" if source.fit is None else "; fit again with --bootstrap 500"
    return f"this law has no bootstrap draws{remedy}."


def over_draws(question: Callable[..., Tree], ensemble: Tree, inputs: Mapping[str, Array]) -> Tree:
    """The answers of all draws, as `planning.over_draws` gives them, with a message if slow."""
    count = num_draws(ensemble)
    num_plans = count * math.prod(np.broadcast_shapes(*map(np.shape, inputs.values())))
    expected = 1 + num_plans * _SECONDS_PER_PLAN
    with patience(f"planning with {count} draws of the fit …", expected=expected):
        return planning.over_draws(question, ensemble, inputs)


def interval(values: Array) -> list[float] | None:
    """Ends of the central 90% of the draws' values; None where no value is finite."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    return np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
