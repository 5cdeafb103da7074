"""What the runs of a fit tell about a quantity or a region, and what further runs would add."""

import dataclasses
import functools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from fitting.design.noise_by_cost import Noise
from fitting.problem.batched_problem import BatchedProblem, Fixed
from fitting.problem.centring import centre_inputs, uncentre
from fitting.uncertainty.refit_problem import FitProblem
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.law import Law
from jaxlaws.pytree import Domain
from jaxlaws.trees import register_dataclass

Quantity = Callable[[Law], Array]

_DOUBT = 0.3  # of predictions before the runs, as a share of the spread of the losses
_WIDEST = 3.0  # e-folds of a coefficient above zero, before the runs
_LEAST = 1e-14  # eigenvalue, relative to the largest


@register_dataclass
@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Knowledge:
    """The information of the runs of one fit, at its optimum and at laws drawn around it.

    Attributes:
        problem: the problem of the fit, in centred units.
        frozen: coefficients and sub-laws that do not move.
        vectors: free numbers of each law, the optimum first, `(num_laws, num_free)`.
        information: of the runs, the priors of the fit, and weak priors of the predictions and of
            coefficients above zero, `(num_laws, num_free, num_free)`.
        directions: derivatives of the quantity, or of the predictions in the region,
            `(num_laws, num_predictions, num_free)`.
        shares: weight of each law, `(num_laws,)`; zero where something is not finite.
        noise: of the residuals.
    """

    problem: BatchedProblem
    frozen: Mapping[str, Tree]
    vectors: Array
    information: Array
    directions: Array
    shares: Array
    noise: Noise

    @classmethod
    def of(
        cls,
        fitted: FitProblem,
        noise: Noise,
        costs: np.ndarray,
        quantity: Quantity | None,
        region: Mapping[str, np.ndarray] | None,
        num_draws: int,
        seed: int,
    ) -> "Knowledge":
        """The knowledge of a fit, in a float64 context.

        Args:
            fitted: the problem of the fit.
            noise: of its residuals.
            costs: of its rows, `(num_rows,)`.
            quantity: what is to be known, or None for a region.
            region: inputs of the runs whose losses are to be known.
            num_draws: number of laws around the optimum.
            seed: of these draws.
        """
        problem, fixed = fitted.problem, Fixed(fitted.frozen)
        used = np.greater(fitted.weights, 0)
        padded = np.resize(costs, len(used))
        precision = np.where(used, np.asarray(fitted.weights) / noise.at(padded) ** 2, 0.0)
        spread = float(np.std(_sizes(problem)[used]))
        prior = used / (used.sum() * (_DOUBT * max(spread, float(noise.level))) ** 2)

        weights = precision + prior
        own = np.asarray(_information(problem, fixed, fitted.vector[None], weights)[0])
        normal = np.random.default_rng(seed).normal(size=(num_draws, len(own)))
        vectors = np.concatenate([fitted.vector[None], fitted.vector + normal @ root_of(own)])
        information = np.asarray(_information(problem, fixed, vectors, weights))
        directions = np.asarray(_directions(problem, fixed, vectors, region, quantity))
        fine = np.array(
            [
                bool(np.isfinite(each).all() and np.isfinite(other).all())
                for each, other in zip(information, directions, strict=True)
            ]
        )
        shares = np.where(fine, 1.0, 0.0)
        blank = ~fine[:, None, None]
        return cls(
            problem=problem,
            frozen=fitted.frozen,
            vectors=np.where(fine[:, None], vectors, fitted.vector),
            information=np.where(blank, np.eye(len(own)), information),
            directions=np.where(blank, 1.0, directions),
            shares=shares / max(shares.sum(), 1.0),
            noise=noise,
        )

    @jax.jit
    def information_of(self, inputs: Mapping[str, Array], costs: Array) -> Array:
        """What each further run adds, `(num_laws, num_runs, num_free, num_free)`."""
        fixed, noise = Fixed(self.frozen), self.noise.at(costs)

        def added(vector: Array) -> Array:
            jacobian = jax.jacfwd(lambda v: predictions(self.problem, v, fixed, inputs))(vector)
            jacobian = jacobian / noise[:, None]
            return jacobian[:, :, None] * jacobian[:, None, :]

        return jax.vmap(added)(self.vectors)

    def with_runs(self, inputs: Mapping[str, Array], costs: Array) -> Array:
        """The information with further runs, `(num_laws, num_free, num_free)`."""
        return self.information + self.information_of(inputs, costs).sum(axis=1)

    @jax.jit
    def variances(self, information: Array) -> Array:
        """The variance of the quantity for each law, or its mean over the region, `(num_laws,)`."""
        return jax.vmap(_variance)(information, self.directions)

    @property
    def weights(self) -> Array:
        """What a variance of each law counts for, `(num_laws,)`: with these they add up to one."""
        return self.shares / self.variances(self.information)

    @jax.jit
    def factors(self, inputs: Mapping[str, Array]) -> tuple[Array, Array]:
        """Factors of the covariances of some runs and of the predictions, by each law.

        Returns:
            `(num_laws, num_free, num_runs)` and `(num_laws, num_free, num_predictions)`; the
            product of two columns is a covariance.
        """

        def of_law(vector: Array, information: Array, directions: Array) -> tuple[Array, Array]:
            jacobian = jax.jacfwd(
                lambda v: predictions(self.problem, v, Fixed(self.frozen), inputs)
            )(vector)
            scaled, sizes = _scaled(information)
            root = jnp.linalg.cholesky(scaled)
            both = [
                jax.scipy.linalg.solve_triangular(root, rows.T * sizes[:, None], lower=True)
                for rows in (jacobian, directions)
            ]
            return both[0], both[1]

        return jax.vmap(of_law)(self.vectors, self.information, self.directions)

    @jax.jit
    def relative_variances(self, added: Array) -> Array:
        """The expected variance with each of some designs, as a share of the variance before.

        `added` is their information, `(num_laws, num_designs, num_free, num_free)`.
        """
        before = self.variances(self.information)
        after = jax.vmap(lambda each: self.variances(self.information + each), 1)(added)
        return after @ (self.shares / before)

    def relative_variance(self, inputs: Mapping[str, Array], costs: Array) -> Array:
        """The same with further runs."""
        return self.relative_variances(self.information_of(inputs, costs).sum(1, keepdims=True))[0]


def predictions(
    problem: BatchedProblem, vector: Array, fixed: Fixed, inputs: Mapping[str, Array]
) -> Array:
    """What a vector predicts for some runs, in the unit of the residuals, `(num_runs,)`."""
    there = dataclasses.replace(
        problem,
        inputs=centre_inputs(inputs, problem.scales),
        observed=jnp.ones(jnp.shape(next(iter(inputs.values())))),
        groups=None,
    )
    return there.residuals(vector, fixed)


@jax.jit
def _information(problem: BatchedProblem, fixed: Fixed, vectors: Array, weights: Array) -> Array:
    """The information of weighted rows and of priors, at some vectors."""
    is_above_zero = np.array([n.domain is Domain.POSITIVE for n in problem.parameters.free])
    # Softplus: a free number is a logarithm where it is negative, and the coefficient elsewhere.
    weak = jnp.where(is_above_zero, (_WIDEST * jnp.maximum(vectors[0], 1.0)) ** -2, 0.0)

    def at(vector: Array) -> Array:
        jacobian = jax.jacfwd(lambda v: problem.residuals(v, fixed))(vector)
        found = (jacobian.T * weights[None]) @ jacobian + jnp.diag(weak)
        if problem.priors:
            deviations = jax.jacfwd(lambda v: problem.deviations(v, fixed))(vector)
            found += deviations.T @ deviations
        return found

    return jax.vmap(at)(vectors)


@functools.partial(jax.jit, static_argnames="quantity")
def _directions(
    problem: BatchedProblem,
    fixed: Fixed,
    vectors: Array,
    region: Mapping[str, Array] | None,
    quantity: Quantity | None,
) -> Array:
    """The derivatives of the predictions in a region, or of a quantity, at some vectors."""

    def of_interest(vector: Array) -> Array:
        if quantity is None:
            assert region is not None
            return predictions(problem, vector, fixed, region)
        law = uncentre(problem.law(vector, fixed), problem.scales)
        return jnp.reshape(jnp.asarray(quantity(law)), (1,))

    return jax.vmap(jax.jacrev(of_interest))(vectors)


def root_of(information: np.ndarray) -> np.ndarray:
    """Rows whose products with normal numbers have the covariance `information**-1`."""
    sizes = 1 / np.sqrt(np.diagonal(information))
    values, columns = np.linalg.eigh(information * sizes[:, None] * sizes[None])
    values = np.maximum(values, _LEAST * values[-1])
    return (columns / np.sqrt(values)).T * sizes[None]


def _sizes(problem: BatchedProblem) -> np.ndarray:
    """The losses of the rows in the unit of the residuals."""
    observed = np.asarray(problem.observed)
    return np.asarray(problem.objective.residuals(observed, np.ones_like(observed)))


def _variance(information: Array, directions: Array) -> Array:
    return jnp.mean(jnp.sum(directions.T * _solved(information, directions.T), axis=0))


def _solved(information: Array, right: Array) -> Array:
    """The inverse of the information times some columns."""
    scaled, sizes = _scaled(information)
    solved = jax.scipy.linalg.solve(scaled, right * sizes[:, None], assume_a="pos")
    return solved * sizes[:, None]


def _scaled(information: Array) -> tuple[Array, Array]:
    """The information with ones on its diagonal, and the factor of each coefficient."""
    sizes = 1 / jnp.sqrt(jnp.diagonal(information))
    scaled = information * sizes[:, None] * sizes[None] + _LEAST * jnp.eye(len(sizes))
    return scaled, sizes
