"""A fit that follows its data: the optimum near that of the fit, with its derivatives."""

import dataclasses
import functools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from fitting.minimiser.damped_steps import possible_gain
from fitting.minimiser.descent import TOLERANCE, descend
from fitting.minimiser.multi_start import laws_of, minimise_batch
from fitting.minimiser.status import Status
from fitting.problem.batched_problem import Batch, BatchedProblem, Fixed
from fitting.problem.centring import uncentre
from fitting.problem.coefficient_names import split_index
from fitting.problem.likelihood import spread
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.trees import register_dataclass

_NUM_STEPS = 60
_NUM_SPREADS = 8  # times that the spread of the residuals is computed again, with priors
_ROUNDING = 1e-15  # relative
_SINGULAR = 1e-13  # of the largest singular value: a direction that the runs do not determine
_SHARES = np.array([1.0, 0.5, 0.25, 0.1, 0.0])  # of a Newton step; the best is taken
_NUM_MOVES = 4
_BLOCK = 128  # runs that are left out at once
_STEP = 1e-4  # relative change of the objective, for the derivative of the spread


@functools.partial(
    register_dataclass,
    data_fields=[
        "problem",
        "vector",
        "frozen",
        "stages",
        "weights",
        "runs",
        "outcomes",
        "spread",
        "status",
    ],
    meta_fields=[],
)
@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class MovingFit:
    """A fit that can follow its data.

    Attributes:
        problem: in centred units, with the losses of the fit.
        vector: the free numbers of the fit, `(num_free,)`.
        frozen: coefficients and sub-laws that do not move, in the user's units.
        stages: the sub-laws that move too.
        weights: weight of each row, zero for padded rows, `(num_rows,)`.
        runs: the run of each row among the losses of the function, `(num_rows,)`.
        outcomes: the outcome of each row, `(num_rows,)`.
        spread: of the residuals, which sets the weight of priors; None without priors.
        status: of the fit.
    """

    problem: BatchedProblem
    vector: np.ndarray
    frozen: Mapping[str, Tree]
    stages: Mapping[str, "MovingFit"]
    weights: np.ndarray
    runs: np.ndarray
    outcomes: np.ndarray
    spread: "Spread | None"
    status: Array

    def with_stages(self) -> list["MovingFit"]:
        """This fit, and those of its sub-laws."""
        return [self, *(each for stage in self.stages.values() for each in stage.with_stages())]

    def left_out(self, places: np.ndarray) -> tuple[Tree, np.ndarray]:
        """The law without each of some runs, for a fit without priors, in a float64 context.

        All fits start from the optimum and go through the programs of the bootstrap.

        Args:
            places: of the runs among the losses of the function, `(num_fits,)`.

        Returns:
            A batched law in the user's units, and the status of each fit, `(num_fits,)`.
        """
        num = len(places)
        moved = {name: stage.left_out(places) for name, stage in self.stages.items()}
        frozen = self.frozen
        if moved:
            frozen = jax.tree.map(lambda leaf: np.tile(leaf, (num,) + (1,) * np.ndim(leaf)), frozen)
            frozen = {**frozen, **{name: law for name, (law, _) in moved.items()}}
        weights = self.weights * (self.runs != places[:, None])
        problem = dataclasses.replace(self.problem, paired=bool(moved))
        batch = Batch(np.tile(self.vector, (num, 1)), weights, frozen)
        minima = minimise_batch(problem, batch, is_near=True)
        status = np.where(minima.converged, self.status, int(Status.NOT_CONVERGED))
        status = np.where(np.isfinite(minima.costs), status, int(Status.NON_FINITE))
        laws = laws_of(problem, batch.at(minima.vectors))
        return laws, np.maximum.reduce([status, *(each for _, each in moved.values())])

    def law(self, losses: Array, weights: Array) -> tuple[Tree, Array]:
        """The law at the optimum, in the user's units, and its status.

        Args:
            losses: `(num_runs, num_outcomes)`.
            weights: factors of the weights, `(num_runs,)`.
        """
        moved = {name: stage.law(losses, weights) for name, stage in self.stages.items()}
        frozen = {**self.frozen, **{name: law for name, (law, _) in moved.items()}}
        problem = dataclasses.replace(self.problem, observed=losses[self.runs, self.outcomes])
        rows, fixed = self.weights * weights[self.runs], Fixed(frozen)

        def with_spread(vector: Array) -> BatchedProblem:
            if self.spread is None:
                return problem
            total = problem.parts(vector, rows, fixed)[0]
            return dataclasses.replace(problem, spread=self.spread.at(total))

        def conditions(vector: Array) -> Array:
            return jax.grad(with_spread(vector).cost)(vector, rows, fixed)

        def search(_: Callable[[Array], Array], vector: Array) -> tuple[Array, Array]:
            batch = Batch(vector[None], rows[None], frozen)

            def descended(_: int, batch: Batch) -> Batch:
                there = with_spread(batch.vectors[0])
                return batch.at(descend(there, batch, _NUM_STEPS, 1).vectors)

            if self.spread is not None:
                batch = lax.fori_loop(0, _NUM_SPREADS, descended, batch)
            point = descend(with_spread(batch.vectors[0]), batch, _NUM_STEPS, 1)
            is_minimum = jnp.linalg.norm(point.gradients[0]) < TOLERANCE
            is_minimum |= possible_gain(point)[0] <= _ROUNDING * point.costs[0]
            status = jnp.where(is_minimum, self.status, int(Status.NOT_CONVERGED))
            status = jnp.where(jnp.isfinite(point.costs[0]), status, int(Status.NON_FINITE))
            # An integer beside a root has no derivative rule.
            return point.vectors[0], status.astype(vector.dtype)

        start = jnp.asarray(self.vector)
        vector, status = lax.custom_root(conditions, start, search, _solve, has_aux=True)
        law = _with_frozen(uncentre(problem.law(vector, fixed), problem.scales), frozen)
        statuses = [each for _, each in moved.values()]
        return law, functools.reduce(jnp.maximum, statuses, status.astype(int))


@register_dataclass
@dataclasses.dataclass(frozen=True)
class Spread:
    """The most likely spread of the residuals near a fit, as a power of the sum over runs.

    It is exact for least squares, and to first order for other objectives.
    """

    value: Array
    total: Array
    power: Array

    @classmethod
    def of(cls, problem: BatchedProblem, total: float, num_rows: int) -> "Spread":
        """The spread near a fit with a sum over runs."""
        low, high = (
            np.log(spread(problem.objective, total * np.exp(step), num_rows))
            for step in (-_STEP, _STEP)
        )
        value = spread(problem.objective, total, num_rows)
        return cls(value, total, float((high - low) / (2 * _STEP)))

    def at(self, total: Array) -> Array:
        """The spread for another sum."""
        return self.value * (total / self.total) ** self.power


@functools.partial(jax.jit, static_argnums=1)
def beyond_first_order(fit: MovingFit, num_runs: int) -> tuple[Array, Array]:
    """How much farther the coefficients move without a run than to first order.

    The law is linear near the fit, but the objective is exact: the other runs whose residuals cross
    the corner of Huber's cost count, and the leverage of the run itself.

    Args:
        fit: the fit.
        num_runs: number of the losses of the function.

    Returns:
        The gradient of the cost of each run, `(num_runs, num_free)`, and the difference of the
        moves, as the gradient that moves the coefficients as far to first order.
    """
    problem, fixed, vector = fit.problem, Fixed(fit.frozen), jnp.asarray(fit.vector)
    residuals = problem.residuals(vector, fixed)
    jacobian = jax.jacfwd(lambda v: problem.residuals(v, fixed))(vector)
    hessian = jax.hessian(problem.cost)(vector, fit.weights, fixed) * problem.objective.slope()
    slopes_of = jax.grad(lambda r: jnp.sum(problem.objective.costs(r)))

    def curvature(residuals: Array, weights: Array) -> Array:
        _, second = jax.jvp(slopes_of, (residuals,), (jnp.ones_like(residuals),))
        return (jacobian.T * (weights * second)[None]) @ jacobian

    of_rows = jacobian * (fit.weights * slopes_of(residuals))[:, None]
    rest = hessian - curvature(residuals, fit.weights)  # of the law, and of priors

    def without(run: Array) -> tuple[Array, Array]:
        weights = jnp.where(fit.runs == run, 0.0, fit.weights)
        own = jnp.sum(jnp.where(fit.runs[:, None] == run, of_rows, 0.0), axis=0)

        def cost(move: Array) -> Array:
            costs = problem.objective.costs(residuals + jacobian @ move)
            pull = jnp.sum(of_rows, axis=0)  # of priors
            return weights @ costs + move @ (0.5 * rest @ move - pull)

        def step(_: int, move: Array) -> Array:
            there = curvature(residuals + jacobian @ move, weights) + rest
            full = -_inverse(there) @ jax.grad(cost)(move)
            some = move[None] + _SHARES[:, None] * full[None]
            return some[jnp.argmin(jax.vmap(cost)(some))]

        return own, hessian @ lax.fori_loop(0, _NUM_MOVES, step, jnp.zeros_like(vector)) - own

    return lax.map(without, jnp.arange(num_runs), batch_size=_BLOCK)


def _solve(linear: Callable[[Array], Array], right: Array) -> Array:
    """Solve the linear system of the derivatives."""
    return _inverse(lax.map(linear, jnp.eye(len(right), dtype=right.dtype)).T) @ right


def _inverse(matrix: Array) -> Array:
    """The inverse of a matrix of second derivatives; zero along what the runs do not determine."""
    sizes = jnp.sqrt(jnp.abs(jnp.diagonal(matrix)))
    sizes = jnp.where(sizes > 0, sizes, 1.0)
    left, values, right = jnp.linalg.svd(matrix / sizes[:, None] / sizes[None])
    inverse = jnp.where(values > _SINGULAR * values[0], 1 / values, 0.0)
    return (right.T * inverse[None]) @ left.T / sizes[:, None] / sizes[None]


def _with_frozen(law: Tree, frozen: Mapping[str, Tree]) -> Tree:
    """The law with its frozen elements and sub-laws exactly as given."""
    changed: dict[str, Tree] = {}
    for element, value in frozen.items():
        name, index = split_index(element)
        changed[name] = (
            changed.get(name, getattr(law, name)).at[index].set(value) if index else value
        )
    return dataclasses.replace(law, **changed)
