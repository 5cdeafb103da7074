"""From a question to a plan: checks, float64, batches, and a second pass where it is needed.

Concrete inputs are validated and computed in float64. They are cut into batches of two fixed
sizes, so that a question is compiled at most twice, whatever the number of budgets. A first,
fast pass solves most entries of a batch; the other entries are gathered and solved by a second
pass, which is compiled only when it is needed.

Traced inputs (inside `jit`, `vmap` or `grad`) keep the caller's dtype, and errors are reported
through the plan's `status`.
"""

import contextlib
import contextvars
import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.concurrency import side_by_side
from jaxlaws.inputs import as_float
from jaxlaws.planning.engine.checks import (
    DEFAULT_BOUNDS,
    Bounds,
    callable_tree,
    check_order,
    checked,
    split_bounds,
)
from jaxlaws.planning.engine.limits import Limit, check_limits
from jaxlaws.planning.engine.mixture import Mixture
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.solver import minimiser as solver
from jaxlaws.planning.solver.batched import Point
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.planning.solver.problem import Problem
from jaxlaws.precision import float64, is_traced, to_float64, to_numpy

_SMALL, _LARGE = 16, 2048

# An invalid input of a batch entry is replaced by this value, and the entry becomes INFEASIBLE.
_REPLACEMENT = 1e21

# Whether NaN in a concrete input is an error, or makes its batch entry INFEASIBLE.
_nan_is_error = contextvars.ContextVar("_nan_is_error", default=True)


@dataclasses.dataclass(frozen=True)
class Question:
    """A question to the planner: the problem to solve, and the plan that its solution is.

    Make a question once, at the top level of a module: its identity decides whether it is
    compiled anew. `ask` answers it.

    Attributes:
        problem: makes the `Problem` from what is given: a `Record` with the law as `law`, the
            inputs by name, the bounds as `lower` and `upper` (records by name), the `limits`
            by name, and the functions by name. All inputs have one shape.
        plan: makes the plan from the same record and the `Solution`: a tree of arrays of that
            shape.
        may_be_zero: the names of inputs that may be zero; all others must be positive.
    """

    problem: Callable[[Record], Problem]
    plan: Callable[[Record, Solution], Tree]
    may_be_zero: tuple[str, ...] = ()


class _Entries(NamedTuple):
    """What differs between the entries of a batch; every leaf has the shape of the batch."""

    inputs: dict[str, Tree]
    lower: dict[str, Array]
    upper: dict[str, Array]
    most: dict[str, Array]  # of each limit
    trees: dict[str, Tree]  # laws and other shared trees that differ between entries
    valid: Array


def ask(
    question: Question,
    law: Tree,
    inputs: Mapping[str, Tree],
    *,
    bounds: Mapping[str, Bounds] | None = None,
    limits: Mapping[str, Limit] | None = None,
    functions: Mapping[str, Callable[..., Array]] | None = None,
) -> Tree:
    """Answer a question.

    Args:
        question: the question.
        law: the law. A law whose leaves are arrays is a batch of laws and is broadcast with the
            inputs, one entry for each law. A `Mixture` of laws is one law.
        inputs: positive numbers or arrays by name, broadcast together. A mapping of numbers or
            arrays is allowed as well, for example one entry for each student.
        bounds: a pair (lower, upper) for each variable that has bounds, broadcast with the inputs.
        limits: upper limits on other quantities, by names of the caller's choice.
        functions: functions that the question calls, such as `forward_flops`. A function that is
            made anew at each call is compiled anew; a callable tree may hold arrays instead.

    Returns:
        The plan. Its leaves have the broadcast shape: NumPy float64 for concrete inputs, the
        caller's dtype inside a trace.

    Raises:
        TypeError: an input is not a number, bounds are not a pair, a limit is not a `Limit`,
            or a function cannot be called.
        ValueError: an input is not positive and finite, bounds exclude each other, or shapes do
            not fit. Inside a trace the entry has the status INFEASIBLE instead.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import compute_optimal
    >>> def problem(given):
    ...     "The least compute 6 N D that reaches a loss, over log N and log D."
    ...     def slack(point):
    ...         size, tokens = map(jnp.exp, point)
    ...         return given.target_loss - given.law.loss(num_params=size, num_tokens=tokens)
    ...     names = ("num_params", "num_tokens")
    ...     return Problem(
    ...         objective=lambda point: point[0] + point[1],
    ...         constraints=(slack,),
    ...         lower=[jnp.log(given.lower[name]) for name in names],
    ...         upper=[jnp.log(given.upper[name]) for name in names],
    ...     )
    >>> def plan(given, solution):
    ...     size, tokens = map(jnp.exp, solution.point)
    ...     return Record(num_params=size, flops=6 * size * tokens, solved=solution.solved)
    >>> least_compute = Question(problem=problem, plan=plan)
    >>> bounds = {"num_params": (1e6, 1e13), "num_tokens": (1e6, 1e15)}
    >>> law = presets.load("besiroglu2024")
    >>> answer = ask(least_compute, law, {"target_loss": [2.2, 2.1]}, bounds=bounds)
    >>> [f"{flops:.2e}" for flops in answer.flops]
    ['4.13e+21', '2.42e+22']
    """
    checked_limits = check_limits(limits)
    pairs = {name: split_bounds(name, pair) for name, pair in (bounds or {}).items()}
    called = {name: callable_tree(each, name) for name, each in (functions or {}).items()}
    trees = {"law": law, **called}
    quantities = {
        name: callable_tree(limit.quantity, "quantity") for name, limit in checked_limits.items()
    }
    requested = _Entries(
        inputs=dict(inputs),
        lower={name: lower for name, (lower, _) in pairs.items()},
        upper={name: upper for name, (_, upper) in pairs.items()},
        most={name: limit.most for name, limit in checked_limits.items()},
        trees={},
        valid=True,
    )
    if is_traced(trees, quantities, requested):
        entries = _prepare(question, requested, trees, jnp)
        return _answer_in_trace(question, {**trees, "quantities": quantities}, entries)
    trees, quantities = to_float64((trees, quantities))
    batched = {
        name: tree
        for name, tree in trees.items()
        if not isinstance(tree, Mixture) and any(map(np.ndim, jax.tree.leaves(tree)))
    }
    entries = _prepare(question, requested._replace(trees=batched), {}, np)
    common = {name: tree for name, tree in trees.items() if name not in batched}
    return _answer_in_batches(question, Record(common, quantities=quantities), entries)


def compose(answer: Callable[..., Tree], *given: Tree) -> Tree:
    """Entry point of a planning function that is made of other planning functions.

    Concrete inputs are computed in float64 and give NumPy arrays; traced inputs keep the caller's
    dtype. Where one part has no plan for some batch entries, its sizes are NaN there, and the parts
    that receive these sizes report INFEASIBLE for the same entries.

    Args:
        answer: computes the answer from `given` with planning functions and JAX.
        given: trees of all that may be traced.
    """
    if is_traced(given):
        return answer(*given)
    with float64(), _nan_is_infeasible():
        return jax.tree.map(lambda leaf: leaf[()], to_numpy(answer(*given)))


@contextlib.contextmanager
def _nan_is_infeasible() -> Iterator[None]:
    token = _nan_is_error.set(False)
    try:
        yield
    finally:
        _nan_is_error.reset(token)


def valid_input(
    name: str,
    value: Array,
    xp: ModuleType,
    *,
    may_be_zero: bool = False,
    replacement: float = _REPLACEMENT,
) -> tuple[Array, Array]:
    """An input whose invalid entries are replaced, and which entries are valid.

    Args:
        name: the name of the input.
        value: a number or an array.
        xp: `jax.numpy` inside a trace, else NumPy.
        may_be_zero: whether zero is valid.
        replacement: the value that an invalid entry gets, if it may not be zero.

    Raises:
        ValueError: an entry of a concrete input is not valid. Inside `compose` NaN is replaced
            instead: there it is what another part reports where it has no plan.
        TypeError: the value is not a number and not an array of numbers.
    """
    array = xp.asarray(as_float(name, value))
    if xp is np:
        valid = ~np.isnan(array) | _nan_is_error.get()
        return checked(name, np.where(valid, array, replacement), may_be_zero=may_be_zero), valid
    valid = xp.isfinite(array) & ((array >= 0) if may_be_zero else (array > 0))
    return xp.where(valid, array, 0.0 if may_be_zero else replacement), valid


def num_compiled() -> int:
    """The number of programs that were compiled for concrete inputs in this process."""
    programs = (_first_pass, _second_pass)
    return sum(each._cache_size() for each in programs)  # pyright: ignore[reportAttributeAccessIssue]


def _broadcast_shape(entries: _Entries) -> tuple[int, ...]:
    """The common shape of all inputs.

    Raises:
        ValueError: the shapes do not fit together; the message names each.
    """
    named = {
        **entries.inputs,
        **{f"{name} (lower bound)": value for name, value in entries.lower.items()},
        **{f"{name} (upper bound)": value for name, value in entries.upper.items()},
        **{f"limit {name}": value for name, value in entries.most.items()},
        **entries.trees,
    }
    shapes: dict[str, tuple[int, ...]] = {}
    for name, value in named.items():
        is_tree = isinstance(value, Mapping) or name in entries.trees
        leaves = jax.tree.leaves(value) if is_tree else [value]
        shapes[name] = np.broadcast_shapes(*map(np.shape, leaves))
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items() if shape)
        raise ValueError(f"inputs do not broadcast together: {listed}") from None


def _prepare(
    question: Question, requested: _Entries, trees: Mapping[str, Tree], xp: ModuleType
) -> _Entries:
    """The entries, checked and of one shape. Invalid values are errors, or mark their entry.

    Args:
        question: says which inputs may be zero.
        requested: the entries as the caller gave them.
        trees: the law and the other shared trees, whose dtype the entries take inside a trace.
        xp: `jax.numpy` inside a trace, else NumPy.
    """
    shape = _broadcast_shape(requested)
    dtype = np.float64
    if xp is jnp:
        leaves = [
            as_float(name, leaf)
            for group in (requested.inputs, requested.lower, requested.upper, requested.most)
            for name, value in group.items()
            for leaf in (value.values() if isinstance(value, Mapping) else [value])
        ]
        dtype = jnp.result_type(float, *jax.tree.leaves(trees), *leaves)
    valid = xp.ones(shape, dtype=bool)

    def clean(name: str, value: Array, replacement: float, *, zero: bool = False) -> Array:
        nonlocal valid
        array = xp.broadcast_to(xp.asarray(as_float(name, value), dtype), shape)
        array, good = valid_input(name, array, xp, may_be_zero=zero, replacement=replacement)
        valid = valid & good
        return array

    def clean_input(name: str, value: Tree) -> Tree:
        zero = name in question.may_be_zero
        if isinstance(value, Mapping):
            return {
                key: clean(f"{name}[{key}]", each, _REPLACEMENT, zero=zero)
                for key, each in value.items()
            }
        return clean(name, value, _REPLACEMENT, zero=zero)

    lowest, highest = DEFAULT_BOUNDS
    inputs = {name: clean_input(name, value) for name, value in requested.inputs.items()}
    lower = {k: clean(f"{k}_bounds", value, lowest) for k, value in requested.lower.items()}
    upper = {k: clean(f"{k}_bounds", value, highest) for k, value in requested.upper.items()}
    most = {k: clean(f"limits[{k!r}].most", v, _REPLACEMENT) for k, v in requested.most.items()}
    for name in lower:
        if xp is np:
            check_order(name, lower[name], upper[name])
        valid = valid & (lower[name] <= upper[name])
    batched = jax.tree.map(lambda leaf: xp.broadcast_to(leaf, shape), requested.trees)
    return _Entries(inputs, lower, upper, most, batched, valid)


def _given(common: Mapping[str, Tree], entries: _Entries) -> Record:
    """What the functions of a question receive."""
    limits = {
        name: Limit(quantity, entries.most[name]) for name, quantity in common["quantities"].items()
    }
    trees = {name: tree for name, tree in common.items() if name != "quantities"}
    return Record(
        {**trees, **entries.trees, **entries.inputs},
        lower=Record(entries.lower),
        upper=Record(entries.upper),
        limits=Record(limits),
    )


def _problem(question: Question, given: Record, entries: _Entries) -> Problem:
    problem = question.problem(given)
    possible = entries.valid if problem.possible is None else entries.valid & problem.possible
    return dataclasses.replace(problem, possible=possible)


def _answer_in_trace(question: Question, common: Mapping[str, Tree], entries: _Entries) -> Tree:
    given = _given(common, entries)
    return question.plan(given, solver.minimise(_problem(question, given, entries)))


@functools.partial(jax.jit, static_argnames="question")
def _first_pass(question: Question, common: Record, entries: _Entries) -> tuple[Tree, Point, Array]:
    given = _given(common, entries)
    problem = _problem(question, given, entries)
    point, final = solver.first_pass(problem)
    return question.plan(given, solver.solution_at(problem, point, final)), point, final


@functools.partial(jax.jit, static_argnames="question")
def _second_pass(question: Question, common: Record, entries: _Entries, start: Point) -> Tree:
    given = _given(common, entries)
    problem = _problem(question, given, entries)
    point, solved = solver.finish(problem, start)
    return question.plan(given, solver.solution_at(problem, point, solved))


def _padded(entries: Tree, chosen: np.ndarray) -> Tree:
    """The chosen entries; the last is repeated to fill a batch of one of the two fixed sizes."""
    size = _SMALL if len(chosen) <= _SMALL else _LARGE
    if len(chosen) == size == len(jax.tree.leaves(entries)[0]):
        return entries
    index = np.concatenate([chosen, np.full(size - len(chosen), chosen[-1])])
    return jax.tree.map(lambda array: np.take(array, index), entries)


def _answer_in_batches(question: Question, common: Record, entries: _Entries) -> Tree:
    shape = entries.valid.shape
    total = int(np.prod(shape))
    if total == 0:
        raise ValueError(f"there is nothing to plan: the inputs broadcast to shape {shape}")
    flat = jax.tree.map(np.ravel, entries)

    def answer(begin: int) -> Tree:
        batch = jax.tree.map(lambda leaf: leaf[begin : begin + _LARGE], flat)
        return _answer_batch(question, common, batch, min(_LARGE, total - begin))

    answers = side_by_side(answer, range(0, total, _LARGE))
    return jax.tree.map(lambda *parts: np.concatenate(parts).reshape(shape)[()], *answers)


def _answer_batch(question: Question, common: Record, batch: _Entries, count: int) -> Tree:
    entries = _padded(batch, np.arange(count))
    plan, point, final = to_numpy(_first_pass(question, common, entries))
    plan = jax.tree.map(lambda leaf: leaf[:count], plan)
    rest = np.flatnonzero(~final[:count])
    if len(rest):
        plan = jax.tree.map(np.array, plan)
        start = _padded(point, rest)
        finished = to_numpy(_second_pass(question, common, _padded(entries, rest), start))

        def merge(leaf: np.ndarray, new: np.ndarray) -> None:
            leaf[rest] = new[: len(rest)]

        jax.tree.map(merge, plan, finished)
    return plan
