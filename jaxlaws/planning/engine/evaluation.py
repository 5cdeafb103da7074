"""From a question to a plan: checks, float64, batches, and a second pass where it is needed.

Concrete inputs are validated and computed in float64. They are cut into batches of two sizes of the
platform, so that a question is compiled at most twice, whatever the number of budgets. Up to 512
entries are computed in small batches, in which each entry has a law of its own: one budget, a
sweep, and the draws of a fit then share one program. A first, fast pass solves most entries; the
others are gathered and solved by a second pass, which is compiled only when it is needed.

Traced inputs are computed in float64 as well. The plan has the caller's dtype, and errors are
reported through its `status`.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.concurrency import side_by_side
from jaxlaws.planning.engine.checks import Bounds, callable_tree, split_bounds
from jaxlaws.planning.engine.costs import MAY_BE_FREE
from jaxlaws.planning.engine.devices import BatchSizes, batch_sizes, in_blocks, through_numpy
from jaxlaws.planning.engine.entries import (
    Entries,
    batched_trees,
    given_record,
    of_shape,
    padded,
    prepare,
    requested_entries,
)
from jaxlaws.planning.engine.limits import Limit, check_limits
from jaxlaws.planning.engine.mixture import Mixture, in_scalar_leaves
from jaxlaws.planning.engine.plans import with_all_variables
from jaxlaws.planning.engine.programs import compiled_when_traced, options_for_few_entries
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.solver import minimiser as solver
from jaxlaws.planning.solver.batched import Point
from jaxlaws.planning.solver.problem import Problem
from jaxlaws.precision import (
    Precision,
    Search,
    computed_in,
    first_search,
    in_jax,
    platform_of,
    to_float64,
    to_numpy,
    widened,
)

_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")

MOST_IN_SMALL_BATCHES = 512  # entries; more take less time in the large program
_FEW = 16  # entries; their program compiles fast rather than runs fast
_PROGRAMS: list[Callable[..., Tree]] = []  # that were made for concrete inputs
_SAME = 1e-12  # objectives with this relative difference are the same


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
        may_be_zero: the names of inputs that may be zero, and of variables whose bounds may be
            zero; all others must be positive.
        may_be_negative: the names of those that may be any finite number.
        takes_limits: whether `problem` adds the limits to its constraints, by
            `*constraints_of(given, names)`.
    """

    problem: Callable[[Record], Problem]
    plan: Callable[[Record, solver.Solution], Tree]
    may_be_zero: tuple[str, ...] = ()
    may_be_negative: tuple[str, ...] = ()
    takes_limits: bool = False

    @property
    def signs(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The names of inputs that may be zero, prices among them, and that may be negative."""
        return (*self.may_be_zero, *MAY_BE_FREE), self.may_be_negative


def ask(
    question: Question,
    law: Tree,
    inputs: Mapping[str, Tree],
    *,
    bounds: Mapping[str, Bounds] | None = None,
    limits: Mapping[str, Limit] | None = None,
    functions: Mapping[str, Callable[..., Array]] | None = None,
    precision: Precision | None = None,
) -> Tree:
    """Answer a question.

    Args:
        question: the question.
        law: the law. A law whose leaves are arrays is a batch of laws, broadcast with the inputs.
            A `Mixture` of laws is one law.
        inputs: positive numbers or arrays by name, broadcast together. A mapping of numbers or
            arrays is allowed as well, for example one entry for each student.
        bounds: a pair (lower, upper) for each variable that has bounds, broadcast with the inputs.
        limits: upper limits on other quantities, by names of the caller's choice.
        functions: functions that the question calls, such as `forward_flops`. A function that is
            made anew at each call is compiled anew; a callable tree may hold arrays instead.
        precision: of the computation inside a trace, see `Precision`.

    Returns:
        The plan. Its leaves have the broadcast shape: NumPy float64 for concrete inputs, the
        caller's dtype inside a trace.

    Raises:
        TypeError: an input is not a number, bounds are not a pair, a limit is not a `Limit`,
            or a function cannot be called.
        ValueError: an input is not positive and finite, bounds exclude each other, shapes do not
            fit, or a limit has the name of an input. Inside a trace an entry with invalid numbers
            is not `possible` in its `Solution` instead.

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
    ...     solved = solution.solved & solution.possible
    ...     return Record(num_params=size, flops=6 * size * tokens, solved=solved)
    >>> least_compute = Question(problem=problem, plan=plan)
    >>> bounds = {"num_params": (1e6, 1e13), "num_tokens": (1e6, 1e15)}
    >>> law = presets.load("besiroglu2024")
    >>> answer = ask(least_compute, law, {"target_loss": [2.2, 2.1]}, bounds=bounds)
    >>> [f"{flops:.2e}" for flops in answer.flops]
    ['3.92e+21', '2.14e+22']
    """
    limits = check_limits(limits, bounds or ())
    if limits and not question.takes_limits:
        raise TypeError(
            "this question takes no limits: add `*constraints_of(given, names)` to the constraints "
            "of its problem, and make it with takes_limits=True"
        )
    pairs = {name: split_bounds(name, pair) for name, pair in (bounds or {}).items()}
    called = {name: callable_tree(each, name) for name, each in (functions or {}).items()}
    trees = {"law": in_scalar_leaves(law), **called}
    quantities = {n: callable_tree(each.quantity, "quantity") for n, each in limits.items()}
    requested = requested_entries(inputs, pairs, limits)
    with computed_in(precision):
        if in_jax(trees, quantities, requested):
            return _answer_in_trace(question, trees, quantities, requested)
    return through_numpy(_answer_concrete, (question, trees, quantities, requested), {})


def _answer_concrete(
    question: Question,
    trees: Mapping[str, Tree],
    quantities: Mapping[str, Tree],
    requested: Entries,
) -> Tree:
    trees, quantities = to_float64((trees, quantities))
    requested = requested._replace(trees=batched_trees(trees))
    entries = prepare(*question.signs, requested, {}, np)
    if entries.valid.size <= MOST_IN_SMALL_BATCHES and not isinstance(trees["law"], Mixture):
        shape = entries.valid.shape
        entries.trees["law"] = jax.tree.map(lambda leaf: of_shape(leaf, shape, np), trees["law"])
    common = {name: tree for name, tree in trees.items() if name not in entries.trees}
    return _answer_in_batches(question, Record(common, quantities=quantities), entries)


def num_compiled() -> int:
    """The number of programs that were compiled for concrete inputs in this process."""
    return sum(each._cache_size() for each in _PROGRAMS)  # pyright: ignore[reportFunctionMemberAccess]


def _problem(question: Question, given: Record, entries: Entries) -> Problem:
    problem = question.problem(given)
    possible = True if problem.possible is None else problem.possible
    return dataclasses.replace(problem, possible=entries.valid & possible)


def _plan(question: Question, given: Record, solution: solver.Solution) -> Tree:
    return with_all_variables(question.plan(given, solution))


@compiled_when_traced()
def _answer_in_trace(
    question: Question, trees: Mapping[str, Tree], quantities: Mapping[str, Tree], entries: Entries
) -> Tree:
    entries = prepare(*question.signs, entries._replace(trees=batched_trees(trees)), trees, jnp)
    common = {name: tree for name, tree in trees.items() if name not in entries.trees}

    def answer(entries: Entries) -> Tree:
        given = given_record({**common, "quantities": quantities}, entries)
        return _plan(question, given, solver.minimise(_problem(question, given, entries)))

    return in_blocks(answer, entries, batch_sizes(platform_of(), trees["law"]).traced)


def _compiled(batch_pass: Callable[_Given, _Answer]) -> Callable[[int], Callable[_Given, _Answer]]:
    """A pass as a compiled program for each size of a batch."""

    @functools.cache
    def program(size: int) -> Callable[_Given, _Answer]:
        options = options_for_few_entries() if size <= _FEW else None
        _PROGRAMS.append(jax.jit(batch_pass, static_argnames="question", compiler_options=options))
        return _PROGRAMS[-1]

    return program


@_compiled
def _first_pass(
    question: Question, common: Record, entries: Entries
) -> tuple[Tree, Array, solver.Found]:
    """The plan, the value of the objective, and what needs a second pass."""
    given = given_record(common, entries)
    problem = _problem(question, given, entries)
    found = solver.first_pass(problem)
    solution = solver.solution_at(problem, found.point, found.final)
    return _plan(question, given, solution), solution.value, found


@_compiled
def _second_pass(
    question: Question, common: Record, entries: Entries, start: Point
) -> tuple[Tree, Array]:
    """The plan and the value of the objective."""
    given = given_record(common, entries)
    problem = _problem(question, given, entries)
    point, solved = solver.finish(problem, start)
    solution = solver.solution_at(problem, point, solved)
    return _plan(question, given, solution), solution.value


def _answer_in_batches(question: Question, common: Record, entries: Entries) -> Tree:
    shape, total = entries.valid.shape, entries.valid.size
    if total == 0:
        raise ValueError(f"there is nothing to plan: the inputs broadcast to shape {shape}")
    flat = jax.tree.map(np.ravel, entries)
    sizes = batch_sizes(platform_of(), common.get("law"))
    size = sizes.small if total <= MOST_IN_SMALL_BATCHES else sizes.large
    search = first_search()

    def answer(begin: int) -> Tree:
        batch = jax.tree.map(lambda leaf: leaf[begin : begin + size], flat)
        return _answer_batch(question, common, batch, sizes, search)

    answers = side_by_side(answer, range(0, total, size))
    return jax.tree.map(lambda *parts: np.concatenate(parts).reshape(shape)[()], *answers)


def _answer_batch(
    question: Question, common: Record, batch: Entries, sizes: BatchSizes, search: Search
) -> Tree:
    count = len(batch.valid)
    size = sizes.of_batch(count)
    entries = padded(batch, np.arange(count), size)
    with search():
        first = sizes.fetched(_first_pass(size)(question, common, entries))
    plan, value, found = widened(first)
    plan, value = jax.tree.map(lambda leaf: leaf[:count], (plan, value))
    is_polished = first[1].dtype == value.dtype
    # Entries that are not solved, and then those that may have a lower minimum elsewhere.
    for wanted, start, always in (
        (~(found.final & is_polished), found.point, True),
        (found.in_doubt, found.other, False),
    ):
        rest = np.flatnonzero(wanted[:count])
        if not len(rest):
            continue
        size = sizes.of_batch(len(rest))
        again = [padded(each, rest, size) for each in (entries, start)]
        new_plan, new = to_numpy(sizes.fetched(_second_pass(size)(question, common, *again)))
        better = always | (new[: len(rest)] < value[rest] - _SAME * np.abs(value[rest]))
        chosen, places = np.flatnonzero(better), rest[better]
        pairs = zip(jax.tree.leaves((plan, value)), jax.tree.leaves((new_plan, new)), strict=True)
        for leaf, new_leaf in pairs:
            leaf[places] = new_leaf[chosen]
    return plan
