"""Many minimisations at once: Optax searches, Gauss-Newton and Newton finish, none is left behind.

Lanes go through the compiled programs in blocks of one size, and rows are padded to classes of
sizes, so that another table or another number of lanes needs no new compilation. Small blocks
stay in the processor's cache. Lanes that are not done at the end of a pass are gathered into
fewer blocks for the next.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from fitting.minimiser.descent import TOLERANCE, descend, search, sensitivity
from fitting.problem.batched_problem import Lanes, Problem
from fitting.problem.centring import uncentre
from jaxlaws.foundations.concurrency import side_by_side
from jaxlaws.precision import to_float64

_BLOCK = 64
_CELLS = 2**19  # most numbers in the Jacobians of a block
_GAUSS_NEWTON_STEPS = 40
_NEWTON_STEPS = 60
_BEND_EVERY = 4
_FAST_PASSES = 5  # what is not done after so many gets Newton's own steps


@dataclasses.dataclass(frozen=True, eq=False)
class Minima:
    """Where lanes ended; see `steps.Point` and `descent.Sensitivity`."""

    vectors: np.ndarray
    costs: np.ndarray
    gradients: np.ndarray
    gram: np.ndarray
    moves: np.ndarray

    @property
    def gradient_norms(self) -> np.ndarray:
        """Norm of each lane's gradient, `(num_lanes,)`."""
        return np.linalg.norm(self.gradients, axis=-1)

    @property
    def converged(self) -> np.ndarray:
        """Whether each lane's gradient vanishes."""
        return np.isfinite(self.costs) & (self.gradient_norms < TOLERANCE)

    def put(self, others: "Minima", lanes: np.ndarray) -> "Minima":
        """These minima with others in place of some lanes."""
        changed = {}
        for field in dataclasses.fields(self):
            changed[field.name] = getattr(self, field.name).copy()
            changed[field.name][lanes] = getattr(others, field.name)
        return Minima(**changed)

    def take(self, lanes: Any) -> "Minima":
        """Some of the lanes."""
        return Minima(*(getattr(self, field.name)[lanes] for field in dataclasses.fields(self)))


def searched(problem: Problem, lanes: Lanes, num_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors and costs after some steps of Optax from every lane."""
    vectors, costs = _in_blocks(problem, lanes, lambda *block: search(*block, num_steps))
    return vectors, costs


def minimise(
    problem: Problem,
    lanes: Lanes,
    *,
    is_near: bool = False,
    most_passes: int = 10,
    is_worth_it: Callable[[Minima], np.ndarray] | None = None,
) -> Minima:
    """Minimise every lane by Gauss-Newton and Newton.

    Args:
        problem: what they have in common.
        lanes: where they start.
        is_near: whether they start near the end, so that Newton's steps may begin at once.
        most_passes: how often lanes that are not done are taken up again.
        is_worth_it: which lanes to take up again after the second pass; None: all.

    Returns:
        The end of each lane; its cost is infinite where it never was finite.
    """
    polish = functools.partial(_polish, num_steps=0 if is_near else _GAUSS_NEWTON_STEPS)
    minima = Minima(*_in_blocks(problem, lanes, polish))
    for number in range(1, most_passes):
        again = np.isfinite(minima.costs) & ~minima.converged
        if is_worth_it is not None and number > 1:
            again &= is_worth_it(minima)
        todo = np.flatnonzero(again)
        if not len(todo):
            break
        rest = lanes.at(minima.vectors).take(problem, todo)
        bend_every = _BEND_EVERY if number < _FAST_PASSES else 1
        program = functools.partial(polish, bend_every=bend_every)
        minima = minima.put(Minima(*_in_blocks(problem, rest, program)), todo)
    return minima


def residuals_of(problem: Problem, lanes: Lanes) -> np.ndarray:
    """The residuals of every lane where it stands, `(num_lanes, num_rows)`."""
    (residuals,) = _in_blocks(problem, lanes, lambda *block: [sensitivity(*block).residuals])
    return residuals


def laws_of(problem: Problem, lanes: Lanes) -> Any:
    """The batched law of all lanes, in the user's units, NumPy float64."""
    structure = jax.tree.structure(jax.eval_shape(_laws, problem, lanes))
    leaves = _in_blocks(problem, lanes, lambda *block: jax.tree.leaves(_laws(*block)))
    # Frozen coefficients exactly as given: through the change of units and back they are rounded.
    frozen = to_float64(lanes.frozen)
    if not problem.paired:
        frozen = jax.tree.map(lambda leaf: np.full(len(lanes.vectors), leaf), frozen)
    return dataclasses.replace(to_float64(jax.tree.unflatten(structure, leaves)), **frozen)


@jax.jit
def _laws(problem: Problem, lanes: Lanes) -> Any:
    parameters, scales = problem.parameters, problem.scales
    return lanes.map(
        problem, lambda v, _, frozen: uncentre(parameters.law(v, frozen, scales), scales)
    )


def _polish(
    problem: Problem,
    lanes: Lanes,
    num_steps: int,
    bend_every: int = _BEND_EVERY,
) -> list[Any]:
    near = descend(problem, lanes, num_steps, 0)
    end = descend(problem, lanes.at(near.vectors), _NEWTON_STEPS, bend_every)
    told = sensitivity(problem, lanes.at(end.vectors))
    return [end.vectors, end.costs, end.gradients, told.gram, told.moves]


def _in_blocks(problem: Problem, lanes: Lanes, program: Any) -> list[np.ndarray]:
    """Run a program on all lanes, block by block; the last lane is repeated to fill a block."""
    num_lanes, num_free = lanes.vectors.shape
    size = _BLOCK
    while size > 1 and size * num_free * lanes.weights.shape[1] > _CELLS:
        size //= 2

    def block(first: int) -> list[np.ndarray]:
        chosen = np.minimum(first + np.arange(size), num_lanes - 1)
        return [np.asarray(leaf) for leaf in program(problem, lanes.take(problem, chosen))]

    parts = zip(*side_by_side(block, range(0, num_lanes, size)), strict=True)
    return [np.concatenate(part)[:num_lanes] for part in parts]
