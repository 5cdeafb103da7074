"""Weighted least squares in place of the objective of a fit, with the linear part solved exactly.

Linear least squares gives the coefficients that enter linearly at once and at any scale, so that a
search has to find the others only (variable projection, Golub and Pereyra 1973).
"""

import dataclasses
import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from fitting.minimiser.broad_search.law_form import Form, Role
from fitting.minimiser.damped_steps import cholesky, solve_factored
from fitting.problem.batched_problem import BatchedProblem, Fixed
from fitting.problem.bijections import softplus_inverse
from jaxlaws.foundations.annotations import Array
from jaxlaws.pytree import Domain
from jaxlaws.trees import register_dataclass

_RIDGE = 1e-13  # of the normal equations, whose columns have length one
_EDGE = 1e-6  # of a typical size: what replaces a positive coefficient that would be negative
_LOG_OF_ZERO = -690.0


@register_dataclass
@dataclasses.dataclass(frozen=True)
class Solved:
    """The coefficients after the linear ones are solved.

    Attributes:
        vector: unconstrained numbers, `(num_free,)`.
        part: what enters linearly, `(num_linear,)`.
        cost: half the sum of squared deviations; infinite where a prediction is not finite.
        deviations: `(num_rows,)`.
        columns: the effect of each linear coefficient, scaled to length one, `(num_linear,
            num_rows)`.
        factor: the Cholesky factor of the normal equations, `(num_linear, num_linear)`.
    """

    vector: jax.Array
    part: jax.Array
    cost: jax.Array
    deviations: jax.Array
    columns: jax.Array
    factor: jax.Array


@functools.partial(
    register_dataclass,
    data_fields=["problem", "fixed", "weights"],
    meta_fields=["form"],
)
@dataclasses.dataclass(frozen=True, eq=False)
class LeastSquares:
    """Weighted least squares in place of the objective of a fit.

    Attributes:
        problem: the problem of the fit, perhaps with fewer rows.
        fixed: the frozen coefficients.
        weights: factor of the deviation of each row, `(num_rows,)`: the slope of the objective's
            residual, times the root of the weight of the row.
        form: how the law depends on its free numbers.
    """

    problem: BatchedProblem
    fixed: Fixed
    weights: Array
    form: Form

    def predictions(self, vector: jax.Array, known: Mapping[int, Array] | None = None) -> jax.Array:
        """The prediction for each row, `(num_rows,)`, or its logarithm.

        Args:
            vector: unconstrained numbers, `(num_free,)`.
            known: values of coefficients that replace numbers of the vector, by place.
        """
        predicted = self.problem.predictions(self.problem.law(vector, self.fixed, known))
        return jnp.log(predicted) if self.form.is_log else predicted

    @property
    def targets(self) -> jax.Array:
        """What the predictions should be, `(num_rows,)`."""
        observed = jnp.asarray(self.problem.observed)
        return jnp.log(observed) if self.form.is_log else observed

    @property
    def factors(self) -> jax.Array:
        """The factor of the deviation of each row, `(num_rows,)`."""
        return self.weights * (self.problem.observed if self.form.is_log else 1.0)

    def solved(self, vector: jax.Array) -> "Solved":
        """The best values of the linear coefficients for given others.

        Args:
            vector: unconstrained numbers, `(num_free,)`; those of the linear coefficients are not
                used.
        """
        return self._solve(vector, *self._at_corners(vector))

    def solved_with_jacobian(
        self, vector: jax.Array, tangents: jax.Array
    ) -> tuple["Solved", jax.Array]:
        """The same, with the derivatives of the deviations after the linear part is solved.

        The change of the linear coefficients with the others is left out where its effect is
        orthogonal to the deviations (Kaufman 1975).

        Args:
            vector: unconstrained numbers, `(num_free,)`; those of the linear coefficients are not
                used.
            tangents: directions of the other coefficients, `(num_directions, num_free)`.

        Returns:
            The solution, and the derivatives along the directions, `(num_directions, num_rows)`.
        """
        (base, columns), (base_change, column_change) = jax.vmap(
            lambda tangent: jax.jvp(self._at_corners, (vector,), (tangent,)), out_axes=(None, 0)
        )(tangents)
        solution = self._solve(vector, base, columns)
        change = base_change + jnp.einsum("l,tlr->tr", solution.part, column_change)
        factors = self.factors[None]
        change = jnp.where(factors == 0, 0.0, factors * change)
        if len(self.form.linear):
            unit, factor = solution.columns, solution.factor
            seen = solve_factored(factor, unit @ change.T)
            change -= seen.T @ unit
        return solution, change

    def _at_corners(self, vector: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Predictions without the linear coefficients, and the change by a unit of each one."""
        places = self.form.linear
        corners = jnp.concatenate([jnp.zeros((1, len(places))), jnp.eye(len(places))])

        def at_corner(part: jax.Array) -> jax.Array:
            # The other numbers are the same at all corners: their terms are computed once.
            values = self._values(part)
            return self.predictions(vector, dict(zip(places, values, strict=True)))

        predicted = jax.vmap(at_corner)(corners)
        return predicted[0], predicted[1:] - predicted[:1]

    def _solve(self, vector: jax.Array, base: jax.Array, columns: jax.Array) -> "Solved":
        used, places = self.factors != 0, self.form.linear
        columns = jnp.where(used[None], self.factors[None] * columns, 0.0)
        wanted = jnp.where(used, self.factors * (self.targets - base), 0.0)
        finite = jnp.all(jnp.isfinite(columns)) & jnp.all(jnp.isfinite(wanted))
        columns, wanted = (jnp.where(finite, each, 0.0) for each in (columns, wanted))
        lengths = jnp.sqrt(jnp.sum(jnp.square(columns), axis=1))
        lengths = jnp.where(lengths > 0, lengths, 1.0)
        columns /= lengths[:, None]
        factor, part = jnp.zeros((0, 0)), jnp.zeros(0)
        if len(places):
            gram, projected = columns @ columns.T, columns @ wanted
            positive = np.array([self._is_positive(place) for place in places])
            least = _EDGE * jnp.sqrt(jnp.sum(jnp.square(wanted)))

            def solve(_: int, state: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
                """Solve without the positive coefficients that would be negative."""
                keeps = ~(positive & (state[0] <= 0))
                both = keeps[:, None] & keeps[None, :]
                extra = jnp.where(keeps, _RIDGE, 1.0)
                factor = cholesky(jnp.where(both, gram, 0.0) + jnp.diag(extra))
                part = solve_factored(factor, jnp.where(keeps, projected, 0.0)[:, None])[:, 0]
                return part, factor

            start = jnp.ones(len(places)), jnp.zeros_like(gram)
            part, factor = jax.lax.fori_loop(0, 2 if positive.any() else 1, solve, start)
            part = jnp.where(positive, jnp.maximum(part, least), part)
        deviations = part @ columns - wanted
        cost = 0.5 * jnp.sum(jnp.square(deviations))
        cost = jnp.where(finite & jnp.isfinite(cost), cost, jnp.inf)
        part /= lengths
        if len(places):
            vector = vector.at[places].set(self._numbers(part))
        return Solved(vector, part, cost, deviations, columns, factor)

    def _is_positive(self, place: int) -> bool:
        role, number = self.form.roles[place], self.problem.parameters.free[place]
        is_positive = role is Role.LINEAR and number.domain is Domain.POSITIVE
        return is_positive or role is Role.EXPONENTIAL

    def _values(self, part: jax.Array) -> jax.Array:
        """The values of the linear coefficients, from what enters linearly; `(num_linear,)`."""
        roles = [self.form.roles[place] for place in self.form.linear]
        values = part
        if Role.EXPONENTIAL in roles:
            logs = jnp.where(part > 0, jnp.log(jnp.where(part > 0, part, 1.0)), _LOG_OF_ZERO)
            values = jnp.where(np.array([r is Role.EXPONENTIAL for r in roles]), logs, values)
        if Role.LOGARITHMIC in roles:
            is_log = np.array([r is Role.LOGARITHMIC for r in roles])
            values = jnp.where(is_log, jnp.exp(part), values)
        return values

    def _numbers(self, part: jax.Array) -> jax.Array:
        """The unconstrained numbers of the linear coefficients, `(num_linear,)`."""
        free, values = self.problem.parameters.free, self._values(part)
        is_positive = [free[place].domain is Domain.POSITIVE for place in self.form.linear]
        return jnp.where(np.array(is_positive), softplus_inverse(values), values)
