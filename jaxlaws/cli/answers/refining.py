"""More budgets for a picture, where its curves have a kink."""

import dataclasses

import jax
import numpy as np

from jaxlaws.cli.answers.presentation import Answered
from jaxlaws.foundations.annotations import Array, Tree

_NUM_BETWEEN = 7  # new budgets between two neighbours with a kink between them
_MOST_KINKS = 24


def budgets_near_kinks(flops: Array, answer: Tree) -> Array:
    """The budgets of a sweep, and more of them where a kink lies between two neighbours.

    A kink is where a status, a winner, an active bound or another whole number of the answer
    changes.

    Args:
        flops: increasing budgets, shape `(budgets,)`.
        answer: of a planning function, with budgets along the first axis.

    >>> changes = {"winner": np.array([0, 0, 1]), "loss": np.array([3.0, 2.0, 1.0])}
    >>> len(budgets_near_kinks(np.array([1e20, 1e21, 1e22]), changes))
    10
    """
    changed = np.zeros(len(flops) - 1, bool)
    for leaf in map(np.asarray, jax.tree.leaves(answer)):
        if leaf.dtype.kind in "iub" and leaf.shape[:1] == (len(flops),):
            moved = leaf[1:] != leaf[:-1]
            changed |= moved.reshape(len(moved), -1).any(axis=1)
    places = np.flatnonzero(changed)
    if not 0 < len(places) <= _MOST_KINKS:
        return flops
    between = [
        np.geomspace(flops[place], flops[place + 1], _NUM_BETWEEN + 2)[1:-1] for place in places
    ]
    return np.unique(np.concatenate([flops, *between]))


def refined(found: Answered) -> Answered:
    """The answer to a sweep of budgets with more budgets near its kinks; another as it is."""
    if found.swept != ["flops"] or len(found.inputs["flops"]) < 2:
        return found
    flops = budgets_near_kinks(found.inputs["flops"], found.result)
    if len(flops) == len(found.inputs["flops"]):
        return found
    inputs = {**found.inputs, "flops": flops}
    result = found.kind.ask(found.question, found.source, inputs)
    return dataclasses.replace(found, inputs=inputs, result=result)
