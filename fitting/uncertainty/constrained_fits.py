"""The best fits under a constraint: a quantity of the law has a given value.

The constraint is a penalty that pulls the quantity to a target, so that a fit ends a little before
its target. The result is exact nevertheless. The penalty is the same for all laws with the same
value of the quantity, so that a fit is the best of all laws with the value where it ended.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from fitting.minimiser.multi_start import minimise
from fitting.problem.batched_problem import Lanes, Problem
from fitting.problem.centring import uncentre
from fitting.problem.likelihood import deviance, spread
from fitting.problem.objectives import Objective
from fitting.uncertainty.refit_problem import FitProblem
from jaxlaws.annotations import Array, Tree

# A fit whose deviance would rise by the square of this on the way to its target stops halfway. The
# deviance at the ends of intervals is far lower: there, a fit ends within 1% of its target.
_STIFFNESS = 30.0
_SAME_SPREAD = 1e-6  # relative difference
_MOST_ROUNDS = 50  # of fits and of the spreads of their residuals in turn


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["problem", "frozen", "quantity", "value"],
    meta_fields=[],
)
@dataclasses.dataclass(frozen=True, eq=False)
class ConstrainedProblem:
    """A `Problem` with a penalty that pulls a quantity of the law to a target.

    It has the members of `Problem` that the minimiser uses. The target of a batch entry takes the
    place of its frozen coefficients.

    Attributes:
        problem: the problem without the penalty.
        frozen: coefficients and sub-laws that do not move, the same in all batch entries.
        quantity: function from a law in the user's units to a number.
        value: the quantity without the penalty.
    """

    problem: Problem
    frozen: Tree
    quantity: Partial
    value: Array

    paired: ClassVar[bool] = True
    has_deviations: ClassVar[bool] = True

    @property
    def objective(self) -> Objective:
        """The objective of the problem."""
        return self.problem.objective

    @property
    def spread(self) -> Array:
        """What half the sum of squared deviations is multiplied by."""
        return self.problem.spread

    def residuals(self, vector: Array, _: Array) -> Array:
        """The residual of each row, `(num_rows,)`."""
        return self.problem.residuals(vector, self.frozen)

    def deviations(self, vector: Array, target: Array) -> Array:
        """The deviations from the priors, then the one from the target, `(num_priors + 1,)`."""
        *_, found = self.parts(vector, jnp.zeros(()), target)
        missed = _STIFFNESS * (found - target) / (target - self.value)
        return jnp.append(self._from_priors(vector), missed)

    def parts(self, vector: Array, weights: Array, _: Array) -> tuple[Array, Array, Array]:
        """The sum of costs, the sum of squared deviations from the priors, and the quantity."""
        costs = self.objective.costs(self.problem.residuals(vector, self.frozen))
        squares = jnp.square(self._from_priors(vector))
        law = uncentre(self.problem.law(vector, self.frozen), self.problem.scales)
        return jnp.sum(weights * costs), jnp.sum(squares), jnp.asarray(self.quantity(law))

    def _from_priors(self, vector: Array) -> Array:
        if not self.problem.priors:
            return jnp.zeros(0)
        return self.problem.deviations(vector, self.frozen)


def constrained_fits(
    fitted: FitProblem, quantity: Partial, value: float, targets: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fit all free coefficients again while a quantity is pulled to each of some targets.

    Args:
        fitted: the fit without the constraint.
        quantity: function from a law to a number, in JAX.
        value: the quantity of the fit.
        targets: targets of the quantity, none of them `value`, from the fit outwards on each side,
            `(num_sides, num_targets)`.
        starts: free numbers where the fits start, `(num_sides, num_targets, num_free)`.

    Returns:
        The quantity at the end of each fit, and the rise of the deviance above the deviance of the
        fit without the constraint; `(num_sides, num_targets)` each. The rise is infinite where no
        fit was found.
    """
    problem = ConstrainedProblem(fitted.problem, fitted.frozen, quantity, value)
    num, num_runs = targets.size, fitted.num_runs
    weights = np.tile(fitted.weights, (num, 1))
    entries = Lanes(starts.reshape(num, -1), weights, targets.ravel())
    minima = minimise(problem, entries)
    # Once more from the end of the neighbour nearer to the fit without the constraint: distant
    # targets are reached in steps.
    places = np.arange(num).reshape(targets.shape)
    nearer = np.concatenate([places[:, :1], places[:, :-1]], axis=1).ravel()
    again = minimise(problem, entries.at(minima.vectors[nearer]))
    is_better = again.costs < minima.costs
    entries = entries.at(np.where(is_better[:, None], again.vectors, minima.vectors))
    spreads = np.full(num, float(problem.spread))
    for _ in range(_MOST_ROUNDS):
        totals, squares, values = (np.asarray(part) for part in _parts(problem, entries))
        before, spreads = spreads, _of_each(spread, problem.objective, totals, num_runs)
        if not fitted.problem.priors or np.allclose(spreads, before, rtol=_SAME_SPREAD, atol=0):
            break
        # The problem has one spread for all entries. The weights of an entry make up for its own.
        weighted = dataclasses.replace(
            entries, weights=weights * (problem.spread / spreads)[:, None]
        )
        entries = entries.at(minimise(problem, weighted, is_near=True).vectors)
    deviances = _of_each(deviance, problem.objective, totals, num_runs) + squares
    return values.reshape(targets.shape), (deviances - fitted.deviance).reshape(targets.shape)


def _of_each(
    function: Callable[[Objective, float, int], float],
    objective: Objective,
    totals: np.ndarray,
    num_runs: int,
) -> np.ndarray:
    """The spread or the deviance at each sum of costs; infinite where the sum is."""
    return np.array(
        [function(objective, float(x), num_runs) if np.isfinite(x) else np.inf for x in totals]
    )


@jax.jit
def _parts(problem: ConstrainedProblem, entries: Lanes) -> tuple[Array, Array, Array]:
    return entries.map(problem, problem.parts)
