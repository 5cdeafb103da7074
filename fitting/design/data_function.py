"""A finished fit as a differentiable function of the losses and weights of its runs.

The law at the optimum moves with the data. Its derivatives follow from the implicit function
theorem: the gradient of the objective stays zero. The steps of the minimiser are not
differentiated.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Generic

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from fitting.data.runs import Runs
from fitting.design.moving_fit import MovingFit, Spread, beyond_first_order
from fitting.estimation.results import FitResult, L_co
from fitting.problem.batched_problem import pad_rows
from fitting.problem.coefficient_names import value_of
from fitting.problem.parameters import Parameters
from fitting.uncertainty.refit_problem import FitProblem
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.law import coefficients
from jaxlaws.foundations.quantities import plain_number
from jaxlaws.foundations.text.cards import Card, Displayed, cut
from jaxlaws.foundations.text.tables import Table
from jaxlaws.precision import (
    float64,
    is_traced,
    precision_of_results,
    to_numpy,
    wide_numbers,
)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class FitAsFunction(Displayed, Generic[L_co]):
    """A fit as a function of its data; `fit_as_function` makes it.

    Attributes:
        losses: the losses of the fit, `(num_runs,)`, or `(num_runs, num_outcomes)` for a law with
            several outcomes.
        result: the fit.
    """

    losses: np.ndarray
    result: FitResult[L_co]
    _fit: "MovingFit"

    def _card(self) -> Card:
        title = f"A fit as a function of the losses of its {len(self.losses)} runs"
        law = [
            [name, plain_number(float(v), 5)] for name, v in coefficients(self.result.law).items()
        ]
        return Card(title, cut(Table(["coefficient", "at the fit"], law)))

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

    def left_out(self, places: Sequence[int]) -> tuple[L_co, np.ndarray]:
        """The law without each of some runs: new fits from the optimum, all at once.

        Args:
            places: of the runs among `losses`, `(num_fits,)`.

        Returns:
            A batched law, and how each fit ended as in `with_status`, `(num_fits,)`.
        """
        if any(fit.spread is not None for fit in self._fit.with_stages()):
            # The weight of priors depends on the residuals of each fit.
            runs = np.arange(len(self.losses))
            each = [self.with_status(weights=np.where(runs == i, 0.0, 1.0)) for i in places]
            return jax.tree.map(lambda *leaves: np.stack(leaves), *each)
        with float64():
            return self._fit.left_out(np.asarray(places))

    def beyond_first_order(self, by_weight: np.ndarray) -> np.ndarray:
        """What leaving out each run changes beyond the first order, `(num_runs,)`.

        The law stays linear; see `moving_fit.beyond_first_order`. With priors, whose weight follows
        the residuals, it is zero.

        Args:
            by_weight: derivatives of the changed number by the weight of each run, `(num_runs,)`.
        """
        fits = self._fit.with_stages()
        if any(fit.spread is not None for fit in fits):
            return np.zeros(len(by_weight))
        with float64():
            parts = [beyond_first_order(fit, len(by_weight)) for fit in fits]
        gradients, beyond = (np.concatenate(each, axis=1) for each in zip(*parts, strict=True))
        # The derivative by a weight is a product with the gradient of the cost of the run.
        sizes = np.linalg.norm(gradients, axis=0)
        sizes = np.where(sizes > 0, sizes, 1.0)
        slopes = np.linalg.lstsq(gradients / sizes, -by_weight)[0] / sizes
        return beyond @ slopes


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


def _moving(result: FitResult, own: _Table, others: Mapping[str, _Table]) -> MovingFit:
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
    return MovingFit(
        problem=dataclasses.replace(problem, parameters=parameters),
        vector=fitted.vector[inside],
        frozen=frozen,
        stages={
            name: _moving(result.stages[name], table, {}) for name, table in first_stages.items()
        },
        weights=fitted.weights,
        runs=pad_rows(runs),
        outcomes=pad_rows(np.tile(np.arange(num_outcomes), len(called))),
        spread=Spread.of(problem, fitted.total, fitted.num_rows)
        if result.restraints.priors
        else None,
        status=np.asarray(int(result.status)),
    )


@functools.partial(jax.jit, static_argnums=1)
def _program(
    moving: MovingFit, dtype: np.dtype | None, losses: Array, weights: Array
) -> tuple[Tree, Array]:
    def answer(moving: MovingFit, losses: Array, weights: Array) -> tuple[Tree, Array]:
        return moving.law(losses.reshape(len(weights), -1), weights)

    if dtype is None:
        return answer(moving, losses, weights)
    with jax.enable_x64(True):
        kinds = [jax.ShapeDtypeStruct(np.shape(each), np.float64) for each in (losses, weights)]
        shapes = jax.eval_shape(answer, moving, *kinds)

    def flat(moving: MovingFit, numbers: Array) -> Array:
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
    function: Callable[[MovingFit, Array], Array],
    dtype: np.dtype,
    jacobian: Callable[..., Callable[[MovingFit, Array], Array]],
) -> Callable[[MovingFit, Array], Array]:
    """The function of a fit and of numbers, computed in float64 and rounded to another precision.

    Its derivative is a product with the Jacobian, which is computed in float64 as well. JAX
    transposes a product outside the context of float64, but not the operations of the function.
    """

    @jax.custom_jvp
    def answer(moving: MovingFit, numbers: Array) -> Array:
        with jax.enable_x64(True):
            return lax.convert_element_type(function(moving, numbers.astype(np.float64)), dtype)

    @answer.defjvp
    def rule(
        primals: tuple[MovingFit, Array], tangents: tuple[MovingFit, Array]
    ) -> tuple[Array, Array]:
        # The Jacobian has many numbers and hardly more inputs: forward mode for its derivatives.
        slopes = _rounded(jacobian(function, argnums=1), dtype, jax.jacfwd)(*primals)
        return answer(*primals), jnp.tensordot(slopes, tangents[1], 1, precision="highest")

    return answer
