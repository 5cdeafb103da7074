"""More budgets for a picture, so that its curves are smooth and its kinks are sharp."""

import dataclasses

import jax
import numpy as np

from jaxlaws.cli.answers.presentation import Answered
from jaxlaws.foundations.annotations import Array, Tree

_FEWEST = 48  # pieces of a smooth curve
_AT_KINK = 8  # pieces between two neighbours with a kink between them, at least
_MOST_KINKS = 24
_NUM_DRAWS = 200  # of the fit for bands: more budgets take more plans for each draw


def denser(flops: Array, pieces: Array | int = 1) -> Array:
    """The budgets of a sweep and more between them, so that a curve has many pieces.

    Args:
        flops: increasing budgets, shape `(budgets,)`.
        pieces: the least number of pieces between two neighbours, `(budgets - 1,)` or one number.

    >>> len(denser(np.array([1e20, 1e21, 1e22]))), len(denser(np.geomspace(1e20, 1e22, 100)))
    (49, 100)
    """
    num = len(flops) - 1
    counts = np.broadcast_to(np.maximum(pieces, -(-_FEWEST // num)), num)
    neighbours = zip(flops[:-1], flops[1:], counts, strict=True)
    between = [np.geomspace(low, high, count + 1)[1:-1] for low, high, count in neighbours]
    return np.unique(np.concatenate([flops, *between]))


def budgets_for_picture(flops: Array, answer: Tree) -> Array:
    """The budgets of a sweep, more of them for smooth curves, and twice as many at a kink.

    A kink is where a status, a winner, an active bound or another whole number of the answer
    changes.

    Args:
        flops: increasing budgets, shape `(budgets,)`.
        answer: of a planning function, with budgets along the first axis.

    >>> changes = {"winner": np.array([0, 0, 1]), "loss": np.array([3.0, 2.0, 1.0])}
    >>> len(budgets_for_picture(np.array([1e20, 1e21, 1e22]), changes))
    73
    """
    changed = np.zeros(len(flops) - 1, bool)
    for leaf in map(np.asarray, jax.tree.leaves(answer)):
        if leaf.dtype.kind in "iub" and leaf.shape[:1] == (len(flops),):
            moved = leaf[1:] != leaf[:-1]
            changed |= moved.reshape(len(moved), -1).any(axis=1)
    at_kink = max(_AT_KINK, 2 * -(-_FEWEST // (len(flops) - 1)))
    few = np.sum(changed) <= _MOST_KINKS
    return denser(flops, np.where(changed & few, at_kink, 1))


def refined(found: Answered) -> Answered:
    """The answer to a sweep of budgets with more budgets for a picture; another as it is."""
    if found.swept != ["flops"] or len(found.inputs["flops"]) < 2:
        return found
    flops = budgets_for_picture(found.inputs["flops"], found.result)
    if len(flops) == len(found.inputs["flops"]):
        return found
    inputs = {**found.inputs, "flops": flops}
    result = found.kind.ask(found.question, found.source, inputs)
    source = found.source.with_draws(_NUM_DRAWS)
    return dataclasses.replace(found, inputs=inputs, source=source, result=result)
