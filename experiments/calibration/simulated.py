"""Simulated tables of one design: ten sizes, six token counts, noise of half a per cent.

The tables differ only in their noise, so that they and all tables resampled from them are entries
of one batch: the noise of a table, and what a bootstrap changes of it, is a shift of the
residuals.
"""

import dataclasses

import jax.numpy as jnp
import numpy as np

from fitting import Runs, Status, fit
from fitting.minimiser.identifiability import judge
from fitting.minimiser.multi_start import laws_of, residuals_of
from fitting.minimiser.refitting import refit
from fitting.problem.batched_problem import Batch, BatchedProblem, pad_rows
from fitting.problem.objectives import Objective
from fitting.problem.parameters import Parameters
from jaxlaws import presets
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.laws.supervised import Supervised
from jaxlaws.precision import float64

COEFFICIENTS = ("E", "alpha", "beta")
LOSSES_AT = {"inside": (1e9, 3e10), "beyond": (1e11, 3e12)}
_NOISE = 5e-3
_SIZES, _TOKENS = (
    axis.ravel() for axis in np.meshgrid(np.geomspace(1e8, 1e10, 10), np.geomspace(2e9, 3e11, 6))
)
_INPUTS = {"num_params": _SIZES, "num_tokens": _TOKENS}
NUM_RUNS = len(_SIZES)


def truth(misspecified: bool) -> Chinchilla | Supervised:
    """The true law of the runs: Chinchilla's, or a law with its sum raised to the power .45."""
    known = presets.load("besiroglu2024")
    if not misspecified:
        return known
    raised = {"A": known.A ** (1 / 0.45), "alpha": known.alpha / 0.45}
    raised |= {"B": known.B ** (1 / 0.45), "beta": known.beta / 0.45}
    return Supervised(E=known.E, gamma=0.45, **raised)


def quantities(law: Tree) -> dict[str, Array]:
    """The quantities with intervals: coefficients, and losses inside and beyond the runs."""
    losses = {
        name: law.loss(num_params=jnp.asarray(size), num_tokens=jnp.asarray(tokens))
        for name, (size, tokens) in LOSSES_AT.items()
    }
    return {name: getattr(law, name) for name in COEFFICIENTS} | losses


def noise_of_tables(first: int, num_tables: int) -> np.ndarray:
    """Noise of the log losses, `(num_tables, NUM_RUNS)`; each table has its own seed."""
    seeds = range(first, first + num_tables)
    return _NOISE * np.stack([np.random.default_rng(s).normal(size=NUM_RUNS) for s in seeds])


def runs_with(noise: np.ndarray, law: Tree) -> Runs:
    """The table with the given noise of the log losses, `(NUM_RUNS,)`."""
    with float64():
        losses = np.asarray(law.loss(**_INPUTS)) * np.exp(noise)
    return Runs.read({**_INPUTS, "loss": losses})


@dataclasses.dataclass(frozen=True, eq=False)
class Tables:
    """Simulated tables and their fits.

    Attributes:
        problem: the problem of the table without noise.
        noise: noise of the log losses, `(num_tables, NUM_RUNS)`.
        vectors: free numbers of the fits, `(num_tables, num_free)`.
        objectives: objectives of the fits, `(num_tables,)`.
        residuals: log residuals of the fits, `(num_tables, NUM_RUNS)`.
        law: the fitted laws, a batched law.
    """

    problem: BatchedProblem
    noise: np.ndarray
    vectors: np.ndarray
    objectives: np.ndarray
    residuals: np.ndarray
    law: Tree

    @classmethod
    def fitted(cls, noise: np.ndarray, law: Tree, objective: Objective) -> "Tables":
        """Fit Chinchilla's law to all tables at once, in a float64 context.

        All fits start from the fit of the table without noise, which has random starts.

        Args:
            noise: noise of the log losses, `(num_tables, NUM_RUNS)`.
            law: the true law.
            objective: what the fits minimise.
        """
        clean = runs_with(np.zeros(NUM_RUNS), law)
        start = fit(Chinchilla, clean, objective=objective)
        parameters = Parameters.of(Chinchilla, {})
        problem = BatchedProblem.pose(parameters, objective, dict(clean.inputs), clean.loss, {})
        vector = np.asarray(parameters.vector(start.law, problem.scales))
        batch = _batch(np.tile(vector, (len(noise), 1)), np.ones_like(noise), -noise)
        minima = refit(problem, batch)
        batch = batch.at(minima.vectors)
        residuals = residuals_of(problem, dataclasses.replace(batch, shifts=None))
        return cls(
            problem=problem,
            noise=noise,
            vectors=minima.vectors,
            objectives=minima.costs * float(objective.slope()),
            residuals=residuals[:, :NUM_RUNS] - noise,
            law=laws_of(problem, batch),
        )

    def refitted(
        self, weights: np.ndarray, changes: np.ndarray | None = None
    ) -> tuple[Chinchilla, np.ndarray]:
        """Fit resampled tables, the same number for each table, in a float64 context.

        Args:
            weights: weights of the runs, `(num_tables, num_draws, NUM_RUNS)`.
            changes: changes of the log residuals, of the same shape; None for no changes.

        Returns:
            A batched law with leaves `(num_tables, num_draws)`, and whether each fit can be used,
            of the same shape.
        """
        num_tables, num_draws, _ = weights.shape
        shifts = np.repeat(-self.noise, num_draws, axis=0)
        if changes is not None:
            shifts += changes.reshape(shifts.shape)
        batch = _batch(
            np.repeat(self.vectors, num_draws, axis=0), weights.reshape(shifts.shape), shifts
        )
        minima = refit(self.problem, batch)
        status = judge(self.problem, batch, minima, _NOISE).status
        law = laws_of(self.problem, batch.at(minima.vectors))
        shape = (num_tables, num_draws)
        leaves = {name: leaf.reshape(shape) for name, leaf in vars(law).items()}
        return Chinchilla(**leaves), (status <= Status.FLAT_DIRECTION).reshape(shape)


def _batch(vectors: np.ndarray, weights: np.ndarray, shifts: np.ndarray) -> Batch:
    return Batch(vectors, pad_rows(weights, fill=0.0), {}, pad_rows(shifts, fill=0.0))
