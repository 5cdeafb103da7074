"""Many minimisations at once: Optax searches, Gauss-Newton and Newton finish, none is left behind.

Batch go through the compiled programs in blocks of one size, and rows are padded to classes of
sizes, so that another table or another number of batch needs no new compilation. Small blocks
stay in the processor's cache. Batch that are not done at the end of a pass are gathered into
fewer blocks for the next.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from fitting.minimiser.descent import TOLERANCE, descend, search, sensitivity
from fitting.problem.batched_problem import Batch, BatchedProblem
from fitting.problem.centring import uncentre
from jaxlaws.concurrency import side_by_side
from jaxlaws.precision import to_float64

_BLOCK = 64
_CELLS = 2**19  # most numbers in the Jacobians of a block
_GAUSS_NEWTON_STEPS = 40
_NEWTON_STEPS = 60
_BEND_EVERY = 4
_FAST_PASSES = 5  # what is not done after so many gets Newton's own steps


@dataclasses.dataclass(frozen=True, eq=False)
class Minima:
    """Where batch entries ended; see `damped_steps.Point` and `descent.Sensitivity`."""

    vectors: np.ndarray
    costs: np.ndarray
    gradients: np.ndarray
    gram: np.ndarray
    moves: np.ndarray

    @property
    def gradient_norms(self) -> np.ndarray:
        """Norm of each batch entry's gradient, `(num_entries,)`."""
        return np.linalg.norm(self.gradients, axis=-1)

    @property
    def converged(self) -> np.ndarray:
        """Whether each batch entry's gradient vanishes."""
        return np.isfinite(self.costs) & (self.gradient_norms < TOLERANCE)

    def put(self, others: "Minima", batch: np.ndarray) -> "Minima":
        """These minima with others in place of some batch entries."""
        changed = {}
        for field in dataclasses.fields(self):
            changed[field.name] = getattr(self, field.name).copy()
            changed[field.name][batch] = getattr(others, field.name)
        return Minima(**changed)

    def take(self, batch: Any) -> "Minima":
        """Some of the batch entries."""
        return Minima(*(getattr(self, field.name)[batch] for field in dataclasses.fields(self)))


def searched(
    problem: BatchedProblem, batch: Batch, num_steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Vectors and costs after some steps of Optax from every batch entry."""
    vectors, costs = _in_blocks(problem, batch, lambda *block: search(*block, num_steps))
    return vectors, costs


def minimise_batch(
    problem: BatchedProblem,
    batch: Batch,
    *,
    is_near: bool = False,
    most_passes: int = 10,
    is_worth_it: Callable[[Minima], np.ndarray] | None = None,
) -> Minima:
    """Minimise every batch entry by Gauss-Newton and Newton.

    Args:
        problem: what they have in common.
        batch: where they start.
        is_near: whether they start near the end, so that Newton's steps may begin at once.
        most_passes: how often batch entries that are not done are taken up again.
        is_worth_it: which batch entries to take up again after the second pass; None: all.

    Returns:
        The end of each batch entry; its cost is infinite where it never was finite.
    """
    polish = functools.partial(_polish, num_steps=0 if is_near else _GAUSS_NEWTON_STEPS)
    minima = Minima(*_in_blocks(problem, batch, polish))
    for number in range(1, most_passes):
        again = np.isfinite(minima.costs) & ~minima.converged
        if is_worth_it is not None and number > 1:
            again &= is_worth_it(minima)
        todo = np.flatnonzero(again)
        if not len(todo):
            break
        rest = batch.at(minima.vectors).take(problem, todo)
        bend_every = _BEND_EVERY if number < _FAST_PASSES else 1
        program = functools.partial(polish, bend_every=bend_every)
        minima = minima.put(Minima(*_in_blocks(problem, rest, program)), todo)
    return minima


def residuals_of(problem: BatchedProblem, batch: Batch) -> np.ndarray:
    """The residuals of every batch entry where it stands, `(num_entries, num_rows)`."""
    (residuals,) = _in_blocks(problem, batch, lambda *block: [sensitivity(*block).residuals])
    return residuals


def laws_of(problem: BatchedProblem, batch: Batch) -> Any:
    """The batched law of all batch entries, in the user's units, NumPy float64."""
    structure = jax.tree.structure(jax.eval_shape(_laws, problem, batch))
    leaves = _in_blocks(problem, batch, lambda *block: jax.tree.leaves(_laws(*block)))
    # Frozen coefficients exactly as given: through the change of units and back they are rounded.
    frozen = to_float64(batch.frozen)
    if not problem.paired:
        frozen = jax.tree.map(lambda leaf: np.full(len(batch.vectors), leaf), frozen)
    return dataclasses.replace(to_float64(jax.tree.unflatten(structure, leaves)), **frozen)


@jax.jit
def _laws(problem: BatchedProblem, batch: Batch) -> Any:
    parameters, scales = problem.parameters, problem.scales
    return batch.map(
        problem, lambda v, _, frozen: uncentre(parameters.law(v, frozen, scales), scales)
    )


def _polish(
    problem: BatchedProblem,
    batch: Batch,
    num_steps: int,
    bend_every: int = _BEND_EVERY,
) -> list[Any]:
    near = descend(problem, batch, num_steps, 0)
    end = descend(problem, batch.at(near.vectors), _NEWTON_STEPS, bend_every)
    told = sensitivity(problem, batch.at(end.vectors))
    return [end.vectors, end.costs, end.gradients, told.gram, told.moves]


def _in_blocks(problem: BatchedProblem, batch: Batch, program: Any) -> list[np.ndarray]:
    """Run a program on all entries, block by block; the last one is repeated to fill a block."""
    num_entries, num_free = batch.vectors.shape
    size = _BLOCK
    while size > 1 and size * num_free * batch.weights.shape[1] > _CELLS:
        size //= 2

    def block(first: int) -> list[np.ndarray]:
        chosen = np.minimum(first + np.arange(size), num_entries - 1)
        return [np.asarray(leaf) for leaf in program(problem, batch.take(problem, chosen))]

    parts = zip(*side_by_side(block, range(0, num_entries, size)), strict=True)
    return [np.concatenate(part)[:num_entries] for part in parts]
