"""The minimisation that a fit comes down to, and many of them side by side."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fitting.centring import centre_inputs, is_expressible, scales_of, uncentre
from fitting.objectives import Objective
from fitting.parameters import Parameters, coefficients
from jaxlaws.precision import to_float64

_ROWS = 64


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["objective", "inputs", "observed", "scales"],
    meta_fields=["parameters", "paired"],
)
@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """What all minimisations of a batch have in common.

    Attributes:
        parameters: which coefficients are free.
        objective: what is minimised.
        inputs: centred, `(num_rows,)` each.
        observed: losses, `(num_rows,)`.
        scales: of the units.
        paired: whether each lane has frozen coefficients of its own.
    """

    parameters: Parameters
    objective: Objective
    inputs: Mapping[str, Any]
    observed: Any
    scales: Mapping[str, Any]
    paired: bool = False

    @classmethod
    def pose(
        cls,
        parameters: Parameters,
        objective: Objective,
        inputs: Mapping[str, np.ndarray],
        loss: np.ndarray,
        frozen: Mapping[str, Any],
    ) -> "Problem":
        """The problem of some runs, given in the user's units, in centred units.

        Args:
            parameters: which coefficients are free.
            objective: what is minimised.
            inputs: those of the law, `(num_runs,)` each.
            loss: `(num_runs,)`.
            frozen: coefficients that do not move, and whole sub-laws.
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
        )

    def law(self, vectors: np.ndarray, frozen: Mapping[str, Any]) -> Any:
        """The law, or batched law, in the user's units, of vectors `(..., num_free)`."""
        free = np.asarray(coefficients(self.parameters, vectors))
        moved = {name: free[..., i] for i, name in enumerate(self.parameters.names)}
        law = self.parameters.law_type(**moved, **frozen)
        return to_float64(dataclasses.replace(uncentre(law, self.scales), **frozen))

    def residuals(self, vector: jax.Array, frozen: Any) -> jax.Array:
        """Residual of each row, `(num_rows,)`; infinite where the law is out of range."""
        law = self.parameters.law(vector, frozen, self.scales)
        residuals = self.objective.residuals(law.loss(**self.inputs), self.observed)
        return jnp.where(is_expressible(law, self.scales), residuals, jnp.inf)

    def cost(self, vector: jax.Array, weights: jax.Array, frozen: Any) -> jax.Array:
        """The objective, measured in its slope."""
        costs = self.objective.costs(self.residuals(vector, frozen))
        return jnp.sum(weights * costs) / self.objective.slope()


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=["vectors", "weights", "frozen"], meta_fields=[]
)
@dataclasses.dataclass(frozen=True, eq=False)
class Lanes:
    """The minimisations of a batch, one a lane.

    Attributes:
        vectors: unconstrained numbers, `(num_lanes, num_free)`.
        weights: of each row, `(num_lanes, num_rows)`.
        frozen: coefficients that do not move; with a leading axis over the lanes where the
            problem is paired.
    """

    vectors: Any
    weights: Any
    frozen: Mapping[str, Any]

    def take(self, problem: Problem, chosen: np.ndarray) -> "Lanes":
        """Some of the lanes."""
        frozen = self.frozen
        if problem.paired:
            frozen = jax.tree.map(lambda leaf: np.asarray(leaf)[chosen], frozen)
        return Lanes(self.vectors[chosen], self.weights[chosen], frozen)

    def at(self, vectors: Any) -> "Lanes":
        """The same lanes elsewhere."""
        return dataclasses.replace(self, vectors=vectors)

    def map(self, problem: Problem, function: Any, *more: Any) -> Any:
        """`function(vector, weights, frozen, *more)` of every lane, batched."""
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
