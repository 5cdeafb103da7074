"""The best fits under a constraint: a quantity of the law has a given value.

The constraint is a penalty that pulls the quantity to a target, so that a fit ends a little before
its target. The result is exact nevertheless. The penalty is the same for all laws with the same
value of the quantity, so that a fit is the best of all laws with the value where it ended.
"""

import dataclasses

import jax
import numpy as np
from jax.tree_util import Partial

from fitting.minimiser.multi_start import Minima, minimise_batch
from fitting.problem.batched_problem import Batch, BatchedProblem, Target
from fitting.problem.likelihood import deviance, spread
from fitting.uncertainty.refit_problem import FitProblem
from jaxlaws.foundations.annotations import Array

# Strength of the penalty: a fit stops halfway to a target where the deviance would rise by the
# square of this number. The ends of intervals have a far lower deviance, so that a fit to a target
# near them ends within 2% of the target.
_STIFFNESS = 20.0
_NEAR_ENDS = (1e-3, 100.0)  # rises of the deviance between which the end of an interval can be
_SAME_SPREAD = 1e-6  # relative difference
_MOST_ROUNDS = 50  # of fits and of the spreads of their residuals in turn


def fit_to_targets(
    fitted: FitProblem, quantity: Partial, value: float, targets: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fit all free coefficients again while a quantity is pulled to each of some targets.

    Args:
        fitted: the fit without the constraint.
        quantity: function from a law to a number, in JAX.
        value: the quantity of the fit.
        targets: targets of the quantity, from the fit outwards on each side,
            `(num_sides, num_targets)`.
        starts: free numbers where the fits start, `(num_sides, num_targets, num_free)`.

    Returns:
        The quantity at the end of each fit, and the rise of the deviance above the deviance of the
        fit without the constraint; `(num_sides, num_targets)` each. The rise is infinite where no
        fit was found.
    """
    problem = dataclasses.replace(fitted.problem, quantity=quantity, paired=True)
    num = targets.size
    weights = np.tile(fitted.weights, (num, 1))
    frozen = jax.tree.map(lambda leaf: np.broadcast_to(leaf, (num, *np.shape(leaf))), fitted.frozen)
    distance = np.where(targets == value, 1.0, targets - value).ravel()
    target = Target(value=targets.ravel(), unit=distance / _STIFFNESS)
    batch = Batch(starts.reshape(num, -1), weights, frozen, target=target)

    def is_worth_it(minima: Minima) -> np.ndarray:
        rises = 2 * float(problem.objective.slope() / problem.spread) * minima.costs
        return _is_near_an_end(rises, rises.min())

    minima = minimise_batch(problem, batch, is_worth_it=is_worth_it)
    # Each fit again, from the end of its neighbour nearer to the fit without the constraint,
    # because some distant targets are reached in small steps only.
    places = np.arange(num).reshape(targets.shape)
    nearer = np.concatenate([places[:, :1], places[:, :-1]], axis=1).ravel()
    again = minimise_batch(problem, batch.at(minima.vectors[nearer]), is_worth_it=is_worth_it)
    is_better = again.costs < minima.costs
    vectors = np.where(is_better[:, None], again.vectors, minima.vectors)
    values, rises, spreads = _measured(fitted, problem, batch.at(vectors))
    before = np.full(num, float(problem.spread))
    for _ in range(_MOST_ROUNDS if problem.priors else 0):
        is_same = np.isclose(spreads, before, rtol=_SAME_SPREAD, atol=0)
        places = np.flatnonzero(_is_near_an_end(rises) & ~is_same)
        if not len(places):
            break
        # The problem has one spread for all entries. Weights of the runs scale it for each entry.
        weighted = weights * (float(problem.spread) / spreads)[:, None]
        chosen = dataclasses.replace(batch.at(vectors), weights=weighted).take(problem, places)
        vectors[places] = minimise_batch(problem, chosen, is_near=True).vectors
        before = spreads
        values, rises, spreads = _measured(fitted, problem, batch.at(vectors))
    return values.reshape(targets.shape), rises.reshape(targets.shape)


def _is_near_an_end(rises: np.ndarray, lowest: float = 0.0) -> np.ndarray:
    """Whether the end of an interval can be near each fit. Only these fits have to converge."""
    low, high = _NEAR_ENDS
    return (rises > lowest + low) & (rises < lowest + high)


def _measured(
    fitted: FitProblem, problem: BatchedProblem, batch: Batch
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The quantity, the rise of the deviance, and the spread of the residuals of each entry."""
    totals, squares, values = (np.asarray(part) for part in _parts(problem, batch))
    deviances, spreads = (
        [
            function(problem.objective, float(x), fitted.num_rows) if np.isfinite(x) else np.inf
            for x in totals
        ]
        for function in (deviance, spread)
    )
    return values, np.array(deviances) + squares - fitted.deviance, np.array(spreads)


@jax.jit
def _parts(problem: BatchedProblem, batch: Batch) -> tuple[Array, Array, Array]:
    return batch.map(problem, problem.parts)
