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

from jaxlaws.concurrency import side_by_side
from jaxlaws.inputs import as_float
from jaxlaws.planning import solver
from jaxlaws.planning.mixture import Mixture
from jaxlaws.planning.problem import Problem
from jaxlaws.planning.records import Record
from jaxlaws.planning.solver import Solution
from jaxlaws.precision import is_traced, to_float64, to_numpy

Bounds = tuple[Any, Any]
DEFAULT_BOUNDS: Bounds = (1e3, 1e17)

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


def callable_tree(forward_flops: Any) -> Any:
    """A function as a tree without leaves; a callable tree as it is.

    Raises:
        TypeError: it cannot be called.
    """
    if not callable(forward_flops):
        raise TypeError(f"forward_flops must be a function of a size, got {forward_flops!r}")
    is_leaf = jax.tree.structure(forward_flops) == jax.tree.structure(0)
    return jax.tree_util.Partial(forward_flops) if is_leaf else forward_flops


def supervised_law(law: Any) -> Any:
    """The law of supervised training: the law itself, or that of a distillation law.

    Raises:
        TypeError: there is none.
    """
    for candidate in (law, getattr(law, "supervised", None)):
        if set(getattr(candidate, "input_names", ())) == {"num_params", "num_tokens"}:
            return candidate
    raise TypeError(
        f"expected a law of num_params and num_tokens, or a distillation law, got {_told(law)}"
    )


def distillation_law(law: Any) -> Any:
    """The law itself, checked to be one of distillation.

    Raises:
        TypeError: it is none.
    """
    names = {"num_student_params", "num_student_tokens", "teacher_loss"}
    if set(getattr(law, "input_names", ())) == names and hasattr(law, "supervised"):
        return law
    raise TypeError(
        "expected a distillation law (of num_student_params, num_student_tokens and "
        f"teacher_loss, with a law `supervised`), got {_told(law)}"
    )


def _told(law: Any) -> str:
    names = getattr(law, "input_names", None)
    return f"{type(law).__name__} of {', '.join(names)}" if names else repr(law)


def checked(name: str, value: Any, lowest: float = 1.0) -> np.ndarray:
    """An input as a NumPy float64 array, checked to be finite and positive; with 0.0, or zero.

    Raises:
        TypeError: it is no number.
        ValueError: it is out of range.
    """
    array = np.asarray(as_float(name, value), dtype=np.float64)
    wrong = ~np.isfinite(array) | (array < lowest if lowest == 0 else array <= 0)
    if wrong.any():
        must = "not be negative" if lowest == 0 else "be positive"
        raise ValueError(f"{name} must {must} and finite, got {array[wrong][0]:g}")
    return array


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
