"""Many minimisations at once: Optax searches, Gauss-Newton and Newton converge.

Batch entries go through the compiled programs in blocks of one size, and rows are padded to a
few sizes, so that another table or another number of entries needs no new compilation. Small
blocks stay in the processor's cache. Entries that have not converged at the end of a pass are
gathered into fewer blocks for the next pass.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from fitting.minimiser.damped_steps import Point, possible_gain
from fitting.minimiser.descent import TOLERANCE, descend, search
from fitting.minimiser.division import mesh_of_fits
from fitting.problem.batched_problem import Batch, BatchedProblem
from fitting.problem.centring import uncentre
from jaxlaws.foundations.annotations import Tree
from jaxlaws.foundations.concurrency import compiled_for_batches, divide, side_by_side
from jaxlaws.foundations.law import Law
from jaxlaws.precision import float64, platform_of, to_float64

_BLOCK = 64
_SMALL_BLOCK = 16  # of problems with directions, of which often only a few entries go on
_CELLS = 2**19  # largest number of entries in the Jacobians of a block
_MORE_ON_ACCELERATOR = (
    16  # times as many entries; there, most of the time is that of starting kernels
)
_GAUSS_NEWTON_STEPS = 40
_NEWTON_STEPS = 60
_HESSIAN_EVERY = 4
_MOST_PASSES = 10
_ROUNDING = 1e-15  # relative
NO_GAIN = 1e-7  # a fall of the cost that does not count, as a share of the cost
_FAST_PASSES = 5  # later passes compute the second derivatives of the law at every step


@dataclasses.dataclass(frozen=True, eq=False)
class Minima:
    """Where the entries of a batch ended; see `damped_steps.Point`.

    Attributes:
        gains: how much lower the minimum of the quadratic approximation of each cost is,
            `(num_entries,)`.
        gram: `J.T @ J` with the weighted Jacobian J of the residuals with respect to the vectors,
            `(num_entries, num_free, num_free)`.
        largest_derivatives: largest absolute value of each column of J, `(num_entries, num_free)`.
    """

    vectors: np.ndarray
    costs: np.ndarray
    gradients: np.ndarray
    gains: np.ndarray
    gram: np.ndarray
    largest_derivatives: np.ndarray

    @property
    def gradient_norms(self) -> np.ndarray:
        """Norm of the gradient of each entry, `(num_entries,)`."""
        return np.linalg.norm(self.gradients, axis=-1)

    @property
    def has_zero_gradient(self) -> np.ndarray:
        """Whether the gradient of each entry is zero within the tolerance, `(num_entries,)`."""
        return self.gradient_norms < TOLERANCE

    @property
    def converged(self) -> np.ndarray:
        """Whether each entry is at a minimum within rounding, `(num_entries,)`.

        The gradient is zero within the tolerance, or the cost can fall by less than its rounding.
        """
        no_gain = self.gains <= _ROUNDING * self.costs
        return np.isfinite(self.costs) & (self.has_zero_gradient | no_gain)

    @property
    def is_settled(self) -> np.ndarray:
        """Whether each entry has converged, or can hardly fall any further, `(num_entries,)`.

        The second holds far along a valley that leads to infinity.
        """
        return self.converged | (np.isfinite(self.costs) & (self.gains <= NO_GAIN * self.costs))

    def put(self, others: "Minima", places: np.ndarray) -> "Minima":
        """These minima with the given places replaced by others."""
        changed = {}
        for field in dataclasses.fields(self):
            changed[field.name] = getattr(self, field.name).copy()
            changed[field.name][places] = getattr(others, field.name)
        return Minima(**changed)

    def take(self, chosen: np.ndarray | Sequence[int]) -> "Minima":
        """The minima at the given indices or of a mask."""
        return Minima(*(getattr(self, field.name)[chosen] for field in dataclasses.fields(self)))


def search_batch(
    problem: BatchedProblem, batch: Batch, num_steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Vectors and costs after some steps of Optax from every entry."""
    vectors, costs = _in_blocks(problem, batch, lambda *block: search(*block, num_steps))
    return vectors, costs


def minimise_batch(
    problem: BatchedProblem,
    batch: Batch,
    *,
    is_near: bool = False,
    is_worth_it: Callable[[Minima], np.ndarray] | None = None,
) -> Minima:
    """Minimise every entry by Gauss-Newton and Newton.

    Args:
        problem: what the entries have in common.
        batch: the batch, with the vectors to start from.
        is_near: whether the starts are near the minima, so that Newton's method can begin at
            once.
        is_worth_it: which entries that have not converged to continue after the second pass;
            None: all.

    Returns:
        The end of each entry; its cost is infinite where it never was finite.
    """
    polish = functools.partial(_polish, num_steps=0 if is_near else _GAUSS_NEWTON_STEPS)
    minima = Minima(*_in_blocks(problem, batch, polish))
    is_stuck = np.zeros(len(minima.costs), dtype=bool)
    for number in range(1, _MOST_PASSES):
        # Rounding is accepted only where several passes did not make the gradient zero.
        done = minima.has_zero_gradient if number < _FAST_PASSES else minima.converged
        again = np.isfinite(minima.costs) & ~done & ~is_stuck
        if is_worth_it is not None and number > 1:
            again &= is_worth_it(minima)
        places = np.flatnonzero(again)
        if not len(places):
            break
        rest = batch.at(minima.vectors).take(problem, places)
        hessian_every = _HESSIAN_EVERY if number < _FAST_PASSES else 1
        program = functools.partial(polish, hessian_every=hessian_every)
        found = Minima(*_in_blocks(problem, rest, program, is_compiled=True))
        # The next pass would repeat a pass without a step. A pass ends when most entries are at a
        # minimum, perhaps before the others have found a step: then only these are in the next one.
        unmoved = np.all(found.vectors == rest.vectors, axis=1)
        is_stuck[places] = unmoved & np.all(unmoved)
        is_stuck &= number != _FAST_PASSES - 1
        minima = minima.put(found, places)
    return minima


def residuals_of(problem: BatchedProblem, batch: Batch) -> np.ndarray:
    """The residuals of every entry at its vector, `(num_entries, num_rows)`.

    They are infinite where the cost is not finite.
    """

    def point(*block: Tree) -> list[jax.Array]:
        found = descend(*block, 1, 0)
        return [found.residuals, found.costs]

    residuals, costs = _in_blocks(problem, batch, point)
    return np.where(np.isfinite(costs)[:, None], residuals, np.inf)


def linearised_residuals(problem: BatchedProblem, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """The residuals and their derivatives.

    Returns:
        Residuals, `(num_entries, num_rows)`, and derivatives, `(num_entries, num_free, num_rows)`;
        both are zero where one of them is not finite.
    """

    def point(*block: Tree) -> list[jax.Array]:
        found = descend(*block, 1, 0)
        return [found.residuals, found.jacobians]

    residuals, jacobians = _in_blocks(_along_axes(problem), batch, point)
    return residuals, jacobians


def _along_axes(problem: BatchedProblem) -> BatchedProblem:
    """The problem with steps along the axes, for the same compiled program as other directions."""
    return dataclasses.replace(problem, basis=np.eye(len(problem.parameters.free)))


def laws_of(problem: BatchedProblem, batch: Batch) -> Law:
    """The batched law of all entries, in the user's units, NumPy float64."""
    structure = jax.tree.structure(jax.eval_shape(_laws, problem, batch))
    leaves = _in_blocks(problem, batch, lambda *block: jax.tree.leaves(_laws(*block)))
    # Frozen coefficients exactly as given: the change of units and back would round them.
    frozen = to_float64(batch.frozen)
    if not problem.paired:
        num = len(batch.vectors)
        frozen = jax.tree.map(lambda leaf: np.broadcast_to(leaf, (num, *leaf.shape)), frozen)
    laws = to_float64(jax.tree.unflatten(structure, leaves))
    return problem.parameters.with_frozen(laws, frozen)


@compiled_for_batches
def _laws(problem: BatchedProblem, batch: Batch) -> Tree:
    return batch.map(problem, lambda v, _, fixed: uncentre(problem.law(v, fixed), problem.scales))


def _polish(
    problem: BatchedProblem,
    batch: Batch,
    num_steps: int,
    hessian_every: int = _HESSIAN_EVERY,
) -> list[jax.Array]:
    if num_steps:
        batch = batch.at(descend(problem, batch, num_steps, 0).vectors)
    end = descend(problem, batch, _NEWTON_STEPS, hessian_every)
    at_end = end
    if problem.basis is not None:
        at_end = descend(_along_axes(problem), batch.at(end.vectors), 1, 0)
    ends = [end.vectors, end.costs, end.gradients, possible_gain(end)]
    return [*ends, *_sensitivity(at_end, batch.weights)]


@compiled_for_batches
def _sensitivity(point: Point, weights: jax.Array) -> tuple[jax.Array, jax.Array]:
    """`Minima.gram` and `Minima.largest_derivatives` of a point along the axes."""
    weights = weights[:, None]
    gram = (point.jacobians * weights) @ jnp.swapaxes(point.jacobians, -1, -2)
    return gram, jnp.max(jnp.abs(point.jacobians) * (weights > 0), axis=-1)


def _in_blocks(
    problem: BatchedProblem,
    batch: Batch,
    program: Callable[[BatchedProblem, Batch], Sequence[jax.Array]],
    *,
    is_compiled: bool = False,
) -> list[np.ndarray]:
    """Run a program on all entries, block by block; the last one is repeated to fill a block.

    On several devices each device has a block at a time. The devices work while the next blocks
    are sent, so that no device waits for another one.
    """
    num_entries, num_free = batch.vectors.shape
    mesh = mesh_of_fits()
    platform = platform_of() if mesh is None else mesh.devices.flat[0].platform
    more = 1 if platform == "cpu" else _MORE_ON_ACCELERATOR
    size = more * (_BLOCK if problem.basis is None else _SMALL_BLOCK)
    while size > 1 and size * num_free * batch.weights.shape[1] > more * _CELLS:
        size //= 2
    if mesh is not None:
        size *= mesh.size

    def start(first: int) -> Sequence[jax.Array]:
        part = batch.take(problem, np.minimum(first + np.arange(size), num_entries - 1))
        if mesh is not None:
            part = part.of_entries(problem, functools.partial(divide, mesh=mesh))
        return program(problem, part)

    def block(first: int) -> list[np.ndarray]:
        return [np.asarray(leaf) for leaf in start(first)]

    firsts = range(0, num_entries, size)
    if mesh is None:
        blocks = side_by_side(block, firsts, is_compiled=is_compiled)
    else:
        with float64():
            blocks = [start(first) for first in firsts]
    return [np.concatenate(part)[:num_entries] for part in zip(*blocks, strict=True)]
