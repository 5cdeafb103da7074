"""A finished fit as a differentiable function of the losses and weights of its runs.

The law at the optimum moves with the data. Its derivatives follow from the implicit function
theorem: the gradient of the objective stays zero. The steps of the minimiser are not
differentiated.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Generic

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from fitting.data.runs import Runs
from fitting.estimation.results import FitResult, L_co
from fitting.minimiser.descent import TOLERANCE, descend
from fitting.minimiser.multi_start import possible_gain
from fitting.minimiser.status import Status
from fitting.problem.batched_problem import Batch, BatchedProblem, Fixed, pad_rows
from fitting.problem.centring import uncentre
from fitting.problem.coefficient_names import split_index, value_of
from fitting.problem.likelihood import spread
from fitting.problem.objectives import AsymmetricHuber, Huber
from fitting.problem.parameters import Parameters
from fitting.uncertainty.refit_problem import FitProblem
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.precision import (
    float64,
    is_traced,
    precision_of_results,
    to_numpy,
    wide_numbers,
)

_NUM_STEPS = 60
_NUM_SPREADS = 8  # times that the spread of the residuals is computed again, with priors
_ROUNDING = 1e-15  # relative
_SINGULAR = 1e-13  # of the largest singular value: a direction that the runs do not determine
_MOST_LEVERAGE = 0.999
_WITH_KINKS = (Huber, AsymmetricHuber)
_STEP = 1e-4  # relative change of the objective, for the derivative of the spread


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class FitAsFunction(Generic[L_co]):
    """A fit as a function of its data; `fit_as_function` makes it.

    Attributes:
        losses: the losses of the fit, `(num_runs,)`, or `(num_runs, num_outcomes)` for a law with
            several outcomes.
        result: the fit.
    """

    losses: np.ndarray
    result: FitResult[L_co]
    _fit: "_Moving"

    def __call__(self, losses: Array | None = None, weights: Array | None = None) -> L_co:
        """The law at the optimum for other losses or weights.

        Args:
            losses: of each run, as in the attribute `losses`; None: those of the fit.
            weights: factors of the weights of the runs, `(num_runs,)`: 0 leaves a run out. None: 1.

        Returns:
            The law. Its leaves are NumPy float64 arrays, or JAX arrays where an argument is traced.

        Raises:
            ValueError: an argument has another shape.
        """
        return self.with_status(losses, weights)[0]

    def with_status(
        self, losses: Array | None = None, weights: Array | None = None
    ) -> tuple[L_co, Array]:
        """The same, and how the fit ended, as an integer (`Status`).

        The status is that of the fit where the new optimum is reached, NOT_CONVERGED where it is
        not, and NON_FINITE where the objective is not finite.
        """
        num = len(self.losses)
        given = [
            self.losses if losses is None else losses,
            np.ones(num) if weights is None else weights,
        ]
        for name, value, shape in zip(
            ("losses", "weights"), given, (self.losses.shape, (num,)), strict=True
        ):
            if np.shape(value) != shape:
                raise ValueError(f"{name}: expected the shape {shape}, got {np.shape(value)}")
        if not is_traced(given):
            with float64():
                return to_numpy(_program(self._fit, None, *given))
        dtype = precision_of_results(given)
        with jax.debug_nans(False), wide_numbers(dtype):
            return _program(self._fit, dtype, *given)

    def leverages(self) -> np.ndarray:
        """The leverage of each run, `(num_runs,)`.

        It is the share of the curvature of the objective, seen from the run, that the run gives
        itself: between 0 and 1 for least squares. It is zero for laws with several outcomes and for
        Huber's cost, whose curvature jumps.
        """
        leverages = np.zeros(len(self.losses))
        with float64():
            for fit in self._fit.with_stages():
                if self.losses.ndim == 1 and not isinstance(fit.problem.objective, _WITH_KINKS):
                    np.add.at(leverages, fit.runs, np.asarray(_leverages(fit)))
        return np.clip(leverages, 0.0, _MOST_LEVERAGE)


def fit_as_function(
    result: FitResult[L_co], runs: Runs, stages: Mapping[str, Runs] | None = None
) -> FitAsFunction[L_co]:
    """A fit as a pure JAX function from the losses of its runs to the fitted law.

    The function follows the optimum of the fit; it does not search for another one. It can be
    used under `jit`, `vmap` and `grad`. Its derivatives are those of the optimum: they hold for
    positive coefficients, coefficients on bounds, ties, priors, and laws with a sub-law that is
    fitted first. A combination of coefficients that the runs do not determine does not move.
    In a float32 program it computes in float64 and rounds the law.

    Args:
        result: the fit. A scale that was fitted for Student's t is held.
        runs: its runs, with those of its first stage where the fit was given one table. The losses
            are in the order of this table.
        stages: the runs of the fits that were frozen, by the name of the sub-law. Their losses
            follow those of `runs`. A frozen fit without runs here does not move.

    Raises:
        ValueError: the runs are not those of the fit, the fit was to groups of runs, or the law
            has no such sub-law.
        TypeError: the fit has priors and no likelihood goes with its objective.

    >>> import jax
    >>> from fitting import Runs, fit
    >>> from jaxlaws.laws.kaplan import Kaplan
    >>> from jaxlaws.planning import compute_optimal
    >>> sizes, tokens = np.geomspace(1e7, 1e9, 9), np.tile([1e9, 4e9, 2e10], 3)
    >>> loss = (3e13 / sizes) ** 0.08 * (1 + 0.01 * np.sin(np.arange(9.0))) + 3e8 / tokens
    >>> runs = Runs.read({"num_params": sizes, "num_tokens": tokens, "loss": loss})
    >>> f = fit_as_function(fit(Kaplan, runs), runs)
    >>> def size(losses):
    ...     return compute_optimal(f(losses), flops=1e21).num_params
    >>> jax.grad(size)(f.losses).shape
    (9,)
    """
    tables = {} if stages is None else dict(stages)
    unknown = set(tables) - set(result.stages)
    if unknown:
        known = ", ".join(result.stages) or "none"
        raise ValueError(f"stages: the fit has no stage {sorted(unknown)[0]!r}; it has {known}")
    everything = [runs.whole(), *(table.whole() for table in tables.values())]
    firsts = np.cumsum([0, *map(len, everything)])
    own = _Table(everything[0], 0)
    others = {
        name: _Table(table, first)
        for name, table, first in zip(tables, everything[1:], firsts[1:], strict=False)
    }
    with float64():
        moving = _moving(result, own, others)
    losses = np.concatenate([table.loss for table in everything])
    return FitAsFunction(losses=losses, result=result, _fit=moving)


@dataclasses.dataclass(frozen=True)
class _Table:
    """A table of runs, and the place of its first run among the losses of the function."""

    runs: Runs
    first: int


@functools.partial(
    jax.tree_util.register_dataclass,
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
class _Moving:
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
    stages: Mapping[str, "_Moving"]
    weights: np.ndarray
    runs: np.ndarray
    outcomes: np.ndarray
    spread: "_Spread | None"
    status: Array

    def with_stages(self) -> list["_Moving"]:
        """This fit, and those of its sub-laws."""
        return [self, *(each for stage in self.stages.values() for each in stage.with_stages())]

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


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class _Spread:
    """The most likely spread of the residuals near a fit, as a power of the sum over runs.

    It is exact for least squares, and to first order for other objectives.
    """

    value: Array
    total: Array
    power: Array

    @classmethod
    def of(cls, problem: BatchedProblem, total: float, num_rows: int) -> "_Spread":
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


def _moving(result: FitResult, own: _Table, others: Mapping[str, _Table]) -> _Moving:
    fitted = FitProblem.of(result, own.runs, has_likelihood=bool(result.restraints.priors))
    problem, law, law_type = fitted.problem, result.law, type(result.law)
    # A number on its bound is infinite: it does not move.
    inside = np.isfinite(fitted.vector)
    outside = [n for n, is_free in zip(problem.parameters.free, inside, strict=True) if not is_free]
    frozen = {**fitted.frozen, **{n.element: np.asarray(value_of(law, n.element)) for n in outside}}
    parameters = Parameters.of(law_type, frozen, result.restraints)
    called = own.runs.for_law(law_type)
    place_of = {row: place for place, row in enumerate(own.runs.rows.tolist())}
    num_outcomes = fitted.num_rows // len(called)
    runs = own.first + np.repeat([place_of[row] for row in called.rows.tolist()], num_outcomes)
    first_stages = {
        name: others.get(name, own)
        for name, stage in result.stages.items()
        if name in others or name not in result.options.freeze
    }
    return _Moving(
        problem=dataclasses.replace(problem, parameters=parameters),
        vector=fitted.vector[inside],
        frozen=frozen,
        stages={
            name: _moving(result.stages[name], table, {}) for name, table in first_stages.items()
        },
        weights=fitted.weights,
        runs=pad_rows(runs),
        outcomes=pad_rows(np.tile(np.arange(num_outcomes), len(called))),
        spread=_Spread.of(problem, fitted.total, fitted.num_rows)
        if result.restraints.priors
        else None,
        status=np.asarray(int(result.status)),
    )


@functools.partial(jax.jit, static_argnums=1)
def _program(
    moving: _Moving, dtype: np.dtype | None, losses: Array, weights: Array
) -> tuple[Tree, Array]:
    def answer(moving: _Moving, losses: Array, weights: Array) -> tuple[Tree, Array]:
        return moving.law(losses.reshape(len(weights), -1), weights)

    if dtype is None:
        return answer(moving, losses, weights)
    with jax.enable_x64(True):
        kinds = [jax.ShapeDtypeStruct(np.shape(each), np.float64) for each in (losses, weights)]
        shapes = jax.eval_shape(answer, moving, *kinds)

    def flat(moving: _Moving, numbers: Array) -> Array:
        """The numbers of the law and its status, as one array, in float64."""
        num = numbers.size - len(weights)
        leaves = jax.tree.leaves(answer(moving, numbers[:num], numbers[num:]))
        return jnp.concatenate([jnp.ravel(leaf).astype(np.float64) for leaf in leaves])

    both = [jnp.ravel(jnp.asarray(each, dtype)) for each in (losses, weights)]
    found = _rounded(flat, dtype, jax.jacrev)(moving, jnp.concatenate(both))
    sizes = [leaf.size for leaf in jax.tree.leaves(shapes)]
    parts = jnp.split(found, np.cumsum(sizes)[:-1])
    law, status = jax.tree.map(
        lambda shape, part: part.reshape(shape.shape),
        shapes,
        jax.tree.unflatten(jax.tree.structure(shapes), parts),
    )
    return law, lax.stop_gradient(status).astype(np.int32)


def _rounded(
    function: Callable[[_Moving, Array], Array],
    dtype: np.dtype,
    jacobian: Callable[..., Callable[[_Moving, Array], Array]],
) -> Callable[[_Moving, Array], Array]:
    """The function of a fit and of numbers, computed in float64 and rounded to another precision.

    Its derivative is a product with the Jacobian, which is computed in float64 as well. JAX
    transposes a product outside the context of float64, but not the operations of the function.
    """

    @jax.custom_jvp
    def answer(moving: _Moving, numbers: Array) -> Array:
        with jax.enable_x64(True):
            return lax.convert_element_type(function(moving, numbers.astype(np.float64)), dtype)

    @answer.defjvp
    def rule(
        primals: tuple[_Moving, Array], tangents: tuple[_Moving, Array]
    ) -> tuple[Array, Array]:
        # The Jacobian has many numbers and hardly more inputs: forward mode for its derivatives.
        slopes = _rounded(jacobian(function, argnums=1), dtype, jax.jacfwd)(*primals)
        return answer(*primals), jnp.tensordot(slopes, tangents[1], 1, precision="highest")

    return answer


@jax.jit
def _leverages(fit: _Moving) -> Array:
    """The leverage of each row, `(num_rows,)`."""
    problem, fixed, vector = fit.problem, Fixed(fit.frozen), jnp.asarray(fit.vector)
    residuals = problem.residuals(vector, fixed)
    jacobian = jax.jacfwd(lambda v: problem.residuals(v, fixed))(vector)
    _, second = jax.jvp(
        jax.grad(lambda r: jnp.sum(problem.objective.costs(r))),
        (residuals,),
        (jnp.ones_like(residuals),),
    )
    hessian = jax.hessian(problem.cost)(vector, fit.weights, fixed) * problem.objective.slope()
    leverages = fit.weights * second * jnp.sum((jacobian @ _inverse(hessian)) * jacobian, axis=1)
    return jnp.where(fit.weights > 0, leverages, 0.0)


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
