"""What a fit minimises (`BatchedProblem`), and many minimisations run together (`Batch`)."""

import dataclasses
import functools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from fitting.problem.centring import Scales, centre_inputs, is_expressible, scales_of, uncentre
from fitting.problem.coefficient_names import value_of
from fitting.problem.objectives import Objective, Squares
from fitting.problem.parameters import Parameters
from fitting.problem.priors import Prior
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.law import Law, outcomes_of
from jaxlaws.pytree import element_shapes
from jaxlaws.trees import register_dataclass

_ROWS = 64


@register_dataclass
@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Target:
    """Penalty target of a quantity: adds `spread / 2 * ((quantity - value) / unit)**2`."""

    value: Array
    unit: Array


@register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Fixed:
    """What does not move in one minimisation.

    Attributes:
        coefficients: the frozen coefficients and sub-laws by name, in the user's units.
        target: the target of the problem's quantity; None where the problem has no quantity.
    """

    coefficients: Mapping[str, Tree]
    target: Target | None = None


@functools.partial(
    register_dataclass,
    data_fields=[
        "objective",
        "inputs",
        "observed",
        "scales",
        "groups",
        "priors",
        "spread",
        "quantity",
        "basis",
    ],
    meta_fields=["parameters", "paired"],
)
@dataclasses.dataclass(frozen=True, eq=False)
class BatchedProblem:
    """What all minimisations of a batch have in common.

    Attributes:
        parameters: which coefficients are free.
        objective: the function of the residuals that the fit minimises.
        inputs: inputs of the law in centred units, `(num_rows,)` each. A run has one row, or one
            for each outcome if the law predicts several.
        observed: losses, `(num_rows,)`.
        scales: the scale of each input.
        paired: whether each batch entry has its own frozen coefficients.
        groups: index of the group of each row, `(num_rows,)`, where some coefficients have one
            value per group; None otherwise.
        priors: priors of coefficients, in the user's units.
        spread: the factor that turns half the squared deviations of the priors into the unit of
            the sum over rows (`likelihood.spread`).
        quantity: a function from a law in the user's units to a number that a penalty pulls to
            the `Target` of each batch entry, or None. Its arguments besides the law are data, so
            that other arguments need no new compilation.
        basis: the directions in which a minimiser takes its steps, a column each, `(num_free,
            num_free)`; None for the axes of the vectors.
    """

    parameters: Parameters
    objective: Objective
    inputs: Mapping[str, Array]
    observed: Array
    scales: Scales
    paired: bool = False
    groups: Array = None
    priors: Mapping[str, Prior] = dataclasses.field(default_factory=dict)
    spread: Array = 1.0
    quantity: Partial | None = None
    basis: Array = None

    @property
    def has_deviations(self) -> bool:
        """Whether the cost has terms besides the runs: priors, or the target of a quantity."""
        return bool(self.priors) or self.quantity is not None

    @classmethod
    def pose(
        cls,
        parameters: Parameters,
        objective: Objective,
        inputs: Mapping[str, np.ndarray],
        loss: np.ndarray,
        frozen: Mapping[str, Tree],
        groups: np.ndarray | None = None,
        priors: Mapping[str, Prior] | None = None,
    ) -> "BatchedProblem":
        """Build the problem of some runs; the change to centred units happens here.

        Args:
            parameters: which coefficients are free.
            objective: the function of the residuals that the fit minimises.
            inputs: inputs of the law in the user's units, `(num_runs,)` each.
            loss: losses, `(num_runs,)`.
            frozen: frozen coefficients and sub-laws, in the user's units.
            groups: index of the group of each run, `(num_runs,)`.
            priors: priors of coefficients.
        """
        laws = filter(dataclasses.is_dataclass, frozen.values())
        scales = scales_of(inputs, parameters.law_type, *laws)
        centred = centre_inputs(inputs, scales)
        return cls(
            parameters=parameters,
            objective=objective.scaled_to(loss) if isinstance(objective, Squares) else objective,
            inputs={name: pad_rows(values) for name, values in centred.items()},
            observed=pad_rows(loss),
            scales=scales,
            groups=None if groups is None else pad_rows(groups),
            priors=priors or {},
        )

    def predictions(self, law: Law) -> jax.Array:
        """The loss that a centred law predicts for each row, `(num_rows,)`."""
        num_outcomes = len(outcomes_of(self.parameters.law_type))
        if not num_outcomes:
            return self._predictions(law, self.inputs, self.groups)
        # The rows of a run, one for each outcome, follow each other and have the same inputs.
        inputs = {name: values[::num_outcomes] for name, values in self.inputs.items()}
        groups = None if self.groups is None else self.groups[::num_outcomes]
        return self._predictions(law, inputs, groups).ravel()[: len(self.observed)]

    def _predictions(self, law: Law, inputs: Mapping[str, Array], groups: Array) -> jax.Array:
        if groups is None:
            return law.loss(**inputs)
        leaves, structure = jax.tree.flatten(law)
        shapes = element_shapes(law)
        own = [jnp.ndim(leaf) > len(shape) for leaf, shape in zip(leaves, shapes, strict=True)]
        each = [leaf[groups] if mine else leaf for leaf, mine in zip(leaves, own, strict=True)]
        laws, axes = (
            jax.tree.unflatten(structure, which)
            for which in (each, [0 if mine else None for mine in own])
        )
        return jax.vmap(lambda law, row: law.loss(**row), (axes, 0))(laws, inputs)

    def law(self, vector: jax.Array, fixed: Fixed, known: Mapping[int, Array] | None = None) -> Law:
        """The law of a vector, in centred units; `known` as in `Parameters.law`."""
        return self.parameters.law(vector, fixed.coefficients, self.scales, known)

    def residuals(self, vector: jax.Array, fixed: Fixed) -> jax.Array:
        """Residual of each row, `(num_rows,)`; infinite where a coefficient would overflow."""
        law = self.law(vector, fixed)
        residuals = self.objective.residuals(self.predictions(law), self.observed)
        return jnp.where(jnp.all(is_expressible(law, self.scales)), residuals, jnp.inf)

    def deviations(self, vector: jax.Array, fixed: Fixed) -> jax.Array:
        """Deviation of each prior in standard deviations, `(num_priors,)`.

        With a quantity, its deviation from the target, in units of the target, comes last.
        """
        law = self.law(vector, fixed)
        units = self.parameters.units(law, self.scales)
        deviations = [
            jnp.ravel(prior.deviation(value_of(law, name) * value_of(units, name)))
            for name, prior in self.priors.items()
        ]
        if self.quantity is not None and fixed.target is not None:
            value = self.quantity(uncentre(law, self.scales))
            deviations.append(jnp.ravel((value - fixed.target.value) / fixed.target.unit))
        return jnp.concatenate(deviations)

    def parts(
        self, vector: jax.Array, weights: jax.Array, fixed: Fixed
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """The sum over runs, the sum of squared deviations of the priors, and the quantity."""
        costs = self.objective.costs(self.residuals(vector, fixed))
        squares, value = jnp.zeros(()), jnp.zeros(())
        if self.priors:
            without_target = dataclasses.replace(fixed, target=None)
            squares = jnp.sum(jnp.square(self.deviations(vector, without_target)))
        if self.quantity is not None:
            value = self.quantity(uncentre(self.law(vector, fixed), self.scales))
        return jnp.sum(weights * costs), squares, value

    def units_and_prior_information(
        self, vector: jax.Array, _: jax.Array, fixed: Fixed
    ) -> tuple[jax.Array, jax.Array]:
        """The unit of each free coefficient, and the information that the priors add.

        Returns:
            Units, `(num_free,)`, and `J.T @ J` with the Jacobian J of the deviations,
            `(num_free, num_free)`.
        """
        law = self.law(vector, fixed)
        units = self.parameters.units_of_free(law, self.scales)
        if not self.priors:
            return units, jnp.zeros((len(vector), len(vector)))
        jacobian = jax.jacfwd(lambda v: self.deviations(v, fixed))(vector)
        return units, jacobian.T @ jacobian

    def cost(self, vector: jax.Array, weights: jax.Array, fixed: Fixed) -> jax.Array:
        """The objective and the penalties, divided by the slope of the objective."""
        costs = self.objective.costs(self.residuals(vector, fixed))
        total = jnp.sum(weights * costs)
        if self.has_deviations:
            deviations = self.deviations(vector, fixed)
            total += 0.5 * self.spread * jnp.sum(jnp.square(deviations))
        return total / self.objective.slope()


@register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Batch:
    """The minimisations of a batch, one for each entry.

    Attributes:
        vectors: unconstrained numbers, `(num_entries, num_free)`.
        weights: weight of each row, `(num_entries, num_rows)`.
        frozen: frozen coefficients and sub-laws by name; each leaf has a leading axis
            `(num_entries,)` where the problem is paired.
        shifts: added to the residual of each row, `(num_entries, num_rows)`, as if the runs had
            other losses; None for no shifts. Only `descent.descend` adds them.
        target: of the problem's quantity, with a leading axis where the problem is paired; None
            where the problem has no quantity.
    """

    vectors: Array
    weights: Array
    frozen: Mapping[str, Tree]
    shifts: Array = None
    target: Target | None = None

    def take(self, problem: BatchedProblem, chosen: np.ndarray) -> "Batch":
        """The entries at the given indices."""
        return self.of_entries(problem, lambda leaf: np.asarray(leaf)[chosen])

    def of_entries(self, problem: BatchedProblem, change: Callable[[Array], Array]) -> "Batch":
        """The batch with each array changed whose first axis is that of the entries."""
        own = self.vectors, self.weights, self.shifts
        fixed = self.frozen, self.target
        vectors, weights, shifts = jax.tree.map(change, own)
        frozen, target = jax.tree.map(change, fixed) if problem.paired else fixed
        return Batch(vectors, weights, frozen, shifts, target)

    def at(self, vectors: Array) -> "Batch":
        """The same entries with other vectors."""
        return dataclasses.replace(self, vectors=vectors)

    def map(self, problem: BatchedProblem, function: Callable[..., Tree], *more: Tree) -> Tree:
        """`function(vector, weights, fixed, *more)` of every entry, batched."""
        axes = (0, 0, 0 if problem.paired else None, *[0] * len(more))
        fixed = Fixed(self.frozen, self.target)
        return jax.vmap(function, in_axes=axes)(self.vectors, self.weights, fixed, *more)


def pad_rows(values: np.ndarray, fill: float | None = None) -> np.ndarray:
    """Pad the last axis to a multiple of 64, with `fill` or with the first value.

    Tables of the same padded size share their compiled programs. The added rows get weight zero.

    >>> pad_rows(np.arange(3.0), fill=0.0).shape
    (64,)
    """
    extra = -values.shape[-1] % _ROWS
    first = values[..., :1] if fill is None else np.full_like(values[..., :1], fill)
    return np.concatenate([values, *[first] * extra], axis=-1)
