"""A question answered with every draw of a fit.

Law by law, through the planner's compiled batches: a call takes about a millisecond, so that a
thousand draws are done before a program for all of them at once would have been compiled.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

# The planner's small batch: a sweep is cut into such, as the large one is made for thousands.
_BATCH = 16


def num_draws(ensemble: Any) -> int:
    """How many laws a batched law holds."""
    return len(jax.tree.leaves(ensemble)[0])


def over_draws(
    question: Callable[..., Any], ensemble: Any, asked: Mapping[str, Any] | None = None
) -> Any:
    """The answers for every draw, as one whose leaves have a leading axis over the draws.

    Args:
        question: answers with a law, and with what is asked as keywords.
        ensemble: a batched law.
        asked: numbers, or arrays of one length.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import compute_optimal
    >>> draws = jax.tree.map(lambda leaf: leaf[:3], presets.ensemble("busbridge2025_refit"))
    >>> over_draws(compute_optimal, draws, {"flops": np.array([1e20, 1e21])}).loss.shape
    (3, 2)
    """
    asked = asked or {}
    axes = {name: value for name, value in asked.items() if np.ndim(value)}
    length = max((len(value) for value in axes.values()), default=1)

    def one(law: Any) -> Any:
        if not axes:
            return question(law, **asked)
        parts = []
        for begin in range(0, length, _BATCH):
            here = {name: value[begin : begin + _BATCH] for name, value in axes.items()}
            parts.append(question(law, **{**asked, **here}))
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)

    answers = [
        one(jax.tree.map(lambda leaf, at=index: np.asarray(leaf)[at], ensemble))
        for index in range(num_draws(ensemble))
    ]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *answers)
