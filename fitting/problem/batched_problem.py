"""The minimisation that a fit comes down to, and many of them side by side."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fitting.problem.centring import centre_inputs, is_expressible, scales_of, uncentre
from fitting.problem.objectives import Objective
from fitting.problem.parameters import Parameters
from fitting.problem.priors import Prior

TARGET = "the target of the quantity"  # a key that no coefficient has

_ROWS = 64


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Target:
    """A value that a quantity is pulled to, and by how much it is missed that counts as one."""

    value: Any
    unit: Any


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["objective", "inputs", "observed", "scales", "groups", "priors", "spread"],
    meta_fields=["parameters", "paired", "quantity"],
)
@dataclasses.dataclass(frozen=True, eq=False)
class BatchedProblem:
    """What all minimisations of a batch have in common.

    Attributes:
        parameters: which coefficients are free.
        objective: what is minimised.
        inputs: centred, `(num_rows,)` each.
        observed: losses, `(num_rows,)`.
        scales: of the units.
        paired: whether each batch entry has frozen coefficients of its own.
        groups: the place of each row's group, `(num_rows,)`, where some coefficients are a
            group's own.
        priors: of coefficients in the user's units.
        spread: what a prior's half square is multiplied by before it is added to the sum over
            rows, so that both are negative log likelihoods (`likelihood.spread`).
        quantity: a number of the law in the user's units that is pulled to the `Target` of each
            batch entry, or None.
    """

    parameters: Parameters
    objective: Objective
    inputs: Mapping[str, Any]
    observed: Any
    scales: Mapping[str, Any]
    paired: bool = False
    groups: Any = None
    priors: Mapping[str, Prior] = dataclasses.field(default_factory=dict)
    spread: Any = 1.0
    quantity: Callable[[Any], Any] | None = None

    @property
    def has_deviations(self) -> bool:
        """Whether anything but the runs pulls at the law: priors, or a target."""
        return bool(self.priors) or self.quantity is not None

    @classmethod
    def pose(
        cls,
        parameters: Parameters,
        objective: Objective,
        inputs: Mapping[str, np.ndarray],
        loss: np.ndarray,
        frozen: Mapping[str, Any],
        groups: np.ndarray | None = None,
        priors: Mapping[str, Prior] | None = None,
    ) -> "BatchedProblem":
        """The problem of some runs, given in the user's units, in centred units.

        Args:
            parameters: which coefficients are free.
            objective: what is minimised.
            inputs: those of the law, `(num_runs,)` each.
            loss: `(num_runs,)`.
            frozen: coefficients that do not move, and whole sub-laws.
            groups: the place of each run's group, `(num_runs,)`.
            priors: of coefficients.
        """
        laws = filter(dataclasses.is_dataclass, frozen.values())
        scales = scales_of(inputs, parameters.law_type, *laws)
        centred = centre_inputs(inputs, scales)
        return cls(
            parameters=parameters,
            objective=objective,
            inputs={name: pad_rows(values) for name, values in centred.items()},
            observed=pad_rows(loss),
            scales=scales,
            groups=None if groups is None else pad_rows(groups),
            priors=priors or {},
        )

    def predictions(self, law: Any) -> jax.Array:
        """What a centred law gives for each row, `(num_rows,)`."""
        if self.groups is None:
            return law.loss(**self.inputs)
        each = jax.tree.map(lambda leaf: leaf[self.groups] if jnp.ndim(leaf) else leaf, law)
        axes = jax.tree.map(lambda leaf: 0 if jnp.ndim(leaf) else None, law)
        return jax.vmap(lambda law, row: law.loss(**row), (axes, 0))(each, self.inputs)

    def law(self, vector: jax.Array, frozen: Any) -> Any:
        """The law of a vector, in centred units."""
        held = {name: value for name, value in frozen.items() if name != TARGET}
        return self.parameters.law(vector, held, self.scales)

    def residuals(self, vector: jax.Array, frozen: Any) -> jax.Array:
        """Residual of each row, `(num_rows,)`; infinite where the law is out of range."""
        law = self.law(vector, frozen)
        residuals = self.objective.residuals(self.predictions(law), self.observed)
        return jnp.where(jnp.all(is_expressible(law, self.scales)), residuals, jnp.inf)

    def deviations(self, vector: jax.Array, frozen: Any) -> jax.Array:
        """By how many standard deviations each prior is missed, `(num_priors,)`.

        The last is by how many of its units the target of a quantity is missed.
        """
        law = self.law(vector, frozen)
        units = self.parameters.units(law, self.scales)
        missed = [
            jnp.ravel(prior.deviation(getattr(law, name) * units[name]))
            for name, prior in self.priors.items()
        ]
        if self.quantity is not None:
            target = frozen[TARGET]
            value = self.quantity(uncentre(law, self.scales))
            missed.append(jnp.ravel((value - target.value) / target.unit))
        return jnp.concatenate(missed)

    def parts(
        self, vector: jax.Array, weights: jax.Array, frozen: Any
    ) -> tuple[jax.Array, jax.Array, Any]:
        """The sum over runs, the sum of squares of the priors' deviations, and the quantity."""
        costs = self.objective.costs(self.residuals(vector, frozen))
        missed, value = jnp.zeros(()), jnp.zeros(())
        if self.priors:
            alone = dataclasses.replace(self, quantity=None)
            missed = jnp.sum(jnp.square(alone.deviations(vector, frozen)))
        if self.quantity is not None:
            value = self.quantity(uncentre(self.law(vector, frozen), self.scales))
        return jnp.sum(weights * costs), missed, value

    def told(self, vector: jax.Array, weights: Any, frozen: Any) -> tuple[jax.Array, jax.Array]:
        """The unit of each free number's coefficient, `(num_free,)`, and what priors tell of them.

        That is `J.T J` of the deviations' derivatives J, `(num_free, num_free)`.
        """
        law = self.law(vector, frozen)
        units = self.parameters.units_of_free(law, self.scales)
        if not self.priors:
            return units, jnp.zeros((len(vector), len(vector)))
        slant = jax.jacfwd(lambda v: self.deviations(v, frozen))(vector)
        return units, slant.T @ slant

    def cost(self, vector: jax.Array, weights: jax.Array, frozen: Any) -> jax.Array:
        """The objective and the priors' penalties, measured in the objective's slope."""
        costs = self.objective.costs(self.residuals(vector, frozen))
        total = jnp.sum(weights * costs)
        if self.has_deviations:
            missed = self.deviations(vector, frozen)
            total += 0.5 * self.spread * jnp.sum(jnp.square(missed))
        return total / self.objective.slope()


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["vectors", "weights", "frozen", "shifts"],
    meta_fields=[],
)
@dataclasses.dataclass(frozen=True, eq=False)
class Batch:
    """The minimisations of a batch, one for each batch entry.

    Attributes:
        vectors: unconstrained numbers, `(num_entries, num_free)`.
        weights: of each row, `(num_entries, num_rows)`.
        frozen: coefficients that do not move; with a leading axis over the batch entries where the
            problem is paired. Where it has a quantity, that one's `Target` is among them.
        shifts: added to the residual of each row, `(num_entries, num_rows)`, as if the runs had
            ended with other losses; None for none. Only `descent.descend` adds them.
    """

    vectors: Any
    weights: Any
    frozen: Mapping[str, Any]
    shifts: Any = None

    def take(self, problem: BatchedProblem, chosen: np.ndarray) -> "Batch":
        """Some of the batch entries."""
        frozen = self.frozen
        if problem.paired:
            frozen = jax.tree.map(lambda leaf: np.asarray(leaf)[chosen], frozen)
        shifts = None if self.shifts is None else self.shifts[chosen]
        return Batch(self.vectors[chosen], self.weights[chosen], frozen, shifts)

    def at(self, vectors: Any) -> "Batch":
        """The same batch entries elsewhere."""
        return dataclasses.replace(self, vectors=vectors)

    def map(self, problem: BatchedProblem, function: Any, *more: Any) -> Any:
        """`function(vector, weights, frozen, *more)` of every batch entry, batched."""
        axes = (0, 0, 0 if problem.paired else None, *[0] * len(more))
        return jax.vmap(function, in_axes=axes)(self.vectors, self.weights, self.frozen, *more)


def pad_rows(values: np.ndarray, fill: float | None = None) -> np.ndarray:
    """Pad the last axis to a class of sizes, with `fill` or the first value repeated.

    Tables of one class share their compiled programs; the added rows have weight zero.

    >>> pad_rows(np.arange(3.0), fill=0.0).shape
    (64,)
    """
    extra = -values.shape[-1] % _ROWS
    first = values[..., :1] if fill is None else np.full_like(values[..., :1], fill)
    return np.concatenate([values, *[first] * extra], axis=-1)
