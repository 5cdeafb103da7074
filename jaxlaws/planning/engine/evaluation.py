"""The door of every question: checks and float64 outside a trace, the caller's ways inside one.

Outside a trace a question is answered in double precision, in batches of two fixed sizes, so that
it is compiled at most twice however many budgets it is asked about. What the fast way leaves open
is gathered and finished by the sure one, which is compiled only when it is needed.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxlaws.foundations.concurrency import side_by_side
from jaxlaws.inputs import as_float
from jaxlaws.planning.engine.checks import checked
from jaxlaws.planning.engine.mixture import Mixture
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.solver import minimiser as solver
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.planning.solver.problem import Problem
from jaxlaws.precision import float64, is_traced, to_float64, to_numpy

_SMALL, _LARGE = 16, 2048
# What stands in for an input that is no positive number, inside a trace: any that can be planned.
_STAND_IN = 1e21


@dataclasses.dataclass(frozen=True)
class Question:
    """A question as the solver sees it.

    Attributes:
        problem: the problem of what is given, a `Record` of the law, of other things shared by
            all entries of the batch, and of the batch's inputs, all of one shape.
        plan: the answer, of what is given and the `Solution`.
    """

    problem: Callable[[Record], Problem]
    plan: Callable[[Record, Solution], Any]


def _checked_bounds(inputs: dict[str, Any], lanes: dict[str, np.ndarray]) -> None:
    for name in inputs:
        if name.endswith("_bounds"):
            low, high = lanes[f"{name}_lower"], lanes[f"{name}_upper"]
            low, high = np.broadcast_arrays(low, high)
            if (low > high).any():
                where = np.argmax(low > high)
                raise ValueError(
                    f"{name} exclude each other: {low.flat[where]:g} is above {high.flat[where]:g}"
                )


def _spread(inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs with each pair of bounds as two."""
    spread = {}
    for name, value in inputs.items():
        if name.endswith("_bounds"):
            try:
                low, high = value
            except (TypeError, ValueError):
                raise TypeError(f"{name} must be a pair (lower, upper), got {value!r}") from None
            spread |= {f"{name}_lower": low, f"{name}_upper": high}
        else:
            spread[name] = value
    return spread


def ask(
    question: Question,
    shared: dict[str, Any],
    inputs: dict[str, Any],
    may_be_zero: tuple[str, ...] = (),
) -> Any:
    """Answer a question.

    Args:
        question: the question.
        shared: the law and what else holds for all entries of the batch: trees. One whose leaves
            are arrays, a batch of laws, is broadcast with the inputs, an entry a law; a mixture
            of laws is one.
        inputs: positive numbers or arrays, broadcast together; a name that ends in `_bounds` is a
            pair of such.
        may_be_zero: inputs that may be zero.

    Returns:
        The plan: NumPy float64 outside a trace, in the caller's precision inside one.

    Raises:
        TypeError: an input is no number.
        ValueError: an input is not positive and finite, bounds exclude each other, or shapes do
            not fit.
    """
    spread = _spread(inputs)
    if is_traced(shared, spread):
        return _ask_inside(question, shared, spread, may_be_zero)
    lanes = {
        name: checked(name, spread[name], 0.0 if name in may_be_zero else 1.0) for name in spread
    }
    _checked_bounds(inputs, lanes)
    shared = to_float64(shared)
    batched = {
        name: tree
        for name, tree in shared.items()
        if not isinstance(tree, Mixture) and any(map(np.ndim, jax.tree.leaves(tree)))
    }
    alike = Record({name: tree for name, tree in shared.items() if name not in batched})
    return _ask_outside(question, alike, lanes | batched)


def _shape(lanes: dict[str, Any]) -> tuple[int, ...]:
    shapes = {
        name: np.broadcast_shapes(*map(np.shape, jax.tree.leaves(tree)))
        for name, tree in lanes.items()
    }
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        told = ", ".join(f"{name} {shape}" for name, shape in shapes.items() if shape)
        raise ValueError(f"inputs do not broadcast together: {told}") from None


def _ask_inside(question: Question, shared: Any, lanes: dict, may_be_zero: tuple[str, ...]) -> Any:
    shape = _shape(lanes)
    lanes = {name: as_float(name, value) for name, value in lanes.items()}
    dtype = jnp.result_type(float, *jax.tree.leaves((shared, lanes)))
    valid = jnp.ones(shape, dtype=bool)
    for name, value in lanes.items():
        value = jnp.broadcast_to(jnp.asarray(value, dtype), shape)
        good = jnp.isfinite(value) & ((value >= 0) if name in may_be_zero else (value > 0))
        lanes[name] = jnp.where(good, value, 0.0 if name in may_be_zero else _STAND_IN)
        valid &= good
    given = Record(shared) | lanes
    problem = question.problem(Record(given))
    possible = valid if problem.possible is None else valid & problem.possible
    problem = dataclasses.replace(problem, possible=possible)
    return question.plan(Record(given), solver.minimise(problem))


@functools.partial(jax.jit, static_argnames="question")
def _first(question: Question, shared: Record, lanes: dict) -> Any:
    given = Record(shared | lanes)
    problem = question.problem(given)
    point, sure = solver.first_pass(problem)
    return question.plan(given, solver.described(problem, point, sure)), point, sure


@functools.partial(jax.jit, static_argnames="question")
def _second(question: Question, shared: Record, lanes: dict, start: Any) -> Any:
    given = Record(shared | lanes)
    problem = question.problem(given)
    point, solved = solver.finish(problem, start)
    return question.plan(given, solver.described(problem, point, solved))


def _padded(lanes: Any, chosen: np.ndarray) -> Any:
    """Chosen entries, the last repeated to fill a batch of a size that is compiled already."""
    size = _SMALL if len(chosen) <= _SMALL else _LARGE
    if len(chosen) == size == len(jax.tree.leaves(lanes)[0]):
        return lanes
    index = np.concatenate([chosen, np.full(size - len(chosen), chosen[-1])])
    return jax.tree.map(lambda array: np.take(array, index), lanes)


def _ask_outside(question: Question, shared: Record, lanes: dict[str, Any]) -> Any:
    shape = _shape(lanes)
    flat = jax.tree.map(lambda leaf: np.broadcast_to(leaf, shape).ravel(), lanes)
    total = int(np.prod(shape))
    if total == 0:
        raise ValueError(f"there is nothing to plan: the inputs broadcast to shape {shape}")

    def answer(begin: int) -> Any:
        batch = jax.tree.map(lambda leaf: leaf[begin : begin + _LARGE], flat)
        return _answer_batch(question, shared, batch, min(_LARGE, total - begin))

    answers = side_by_side(answer, range(0, total, _LARGE))
    return jax.tree.map(lambda *parts: np.concatenate(parts).reshape(shape)[()], *answers)


def _answer_batch(question: Question, shared: Record, batch: Any, count: int) -> Any:
    lanes = _padded(batch, np.arange(count))
    plan, point, sure = to_numpy(_first(question, shared, lanes))
    plan = jax.tree.map(lambda leaf: leaf[:count], plan)
    open_entries = np.flatnonzero(~sure[:count])
    if len(open_entries):
        plan = jax.tree.map(np.array, plan)
        start = _padded(point, open_entries)
        finished = to_numpy(_second(question, shared, _padded(lanes, open_entries), start))

        def merge(leaf: np.ndarray, new: np.ndarray) -> None:
            leaf[open_entries] = new[: len(open_entries)]

        jax.tree.map(merge, plan, finished)
    return plan


def answered(answer: Callable[..., Any], *given: Any) -> Any:
    """An answer as every door gives it: NumPy float64 outside a trace, else as the caller has it.

    Args:
        answer: of what is given; asks other questions and computes with JAX.
        given: trees of whatever may be traced.
    """
    if is_traced(given):
        return answer(*given)
    with float64():
        return jax.tree.map(lambda leaf: leaf[()], to_numpy(answer(*given)))
