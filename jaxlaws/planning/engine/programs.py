"""One compiled program for each planning function, also for `grad` and `vmap` without `jit`.

Outside `jit`, a transformation such as `jax.grad` runs a function operation by operation, and each
loop of the solver would be compiled anew at each call. Therefore a planning function whose inputs
are traced runs as one `jax.jit` function: its second call compiles nothing. Inside the `jit` of a
user such a function is a part of the user's program.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.inputs import as_float
from jaxlaws.planning.engine.devices import local_to_each_device, through_numpy
from jaxlaws.planning.engine.scenarios import Scenario, charged_costs, check_scenario
from jaxlaws.precision import (
    computed_in,
    float32_requested,
    in_float64,
    in_jax,
    is_traced,
    precision_of_results,
    wide_numbers,
)

_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")


def compiled_when_traced(
    *fixed: str,
) -> Callable[[Callable[_Given, _Answer]], Callable[_Given, _Answer]]:
    """A decorator of planning functions: with traced inputs, they run as one compiled program.

    Numbers and arrays are arguments of the program, so that new budgets and new coefficients need
    no compilation. All else is a part of the program: functions, names, `None`, which costs a
    concrete `Scenario` charges, and the inputs in `fixed`.

    The program computes in float64 and rounds its results, see `precision.in_float64`; the keyword
    `precision`, which the decorator takes from the function, may choose float32. Inside
    `jax.shard_map` all arguments become different on each device, so that the loops of the solver
    are loops of one device.

    Args:
        fixed: the names of keywords whose numbers are a part of the program, such as the length of
            an axis.
    """

    def decorate(function: Callable[_Given, _Answer]) -> Callable[_Given, _Answer]:
        @functools.wraps(function)
        def answer(*args: _Given.args, **kwargs: _Given.kwargs) -> _Answer:
            with computed_in(kwargs.pop("precision", None)):  # pyright: ignore[reportArgumentType]
                args = tuple(map(_with_settings_as_leaves, args))  # pyright: ignore[reportAssignmentType]
                if not in_jax(args, kwargs):
                    return through_numpy(function, args, kwargs)
                options = {name: kwargs.pop(name) for name in fixed if name in kwargs}
                inputs = {name: _without_list(value) for name, value in kwargs.items()}
                leaves, structure = jax.tree.flatten(_with_charged_costs((args, inputs)))
                numbers = [_as_argument(leaf) if _is_number(leaf) else None for leaf in leaves]
                others = tuple(None if _is_number(leaf) else leaf for leaf in leaves)
                dtype = precision_of_results(numbers)
                call = _Call(function, tuple(options.items()), structure, others, dtype)
                # Numbers of a plan that do not apply are NaN on purpose.
                with jax.debug_nans(False), wide_numbers(dtype):
                    return local_to_each_device(_program_of(call), numbers)

        return answer

    return decorate


@dataclasses.dataclass(frozen=True)
class _Call:
    """What is not a number in a call of a planning function."""

    function: Callable[..., Tree]
    options: tuple[tuple[str, Tree], ...]
    structure: Tree
    others: tuple[Tree, ...]  # the leaves that are not numbers; None for those that are
    dtype: np.dtype | None  # of the results; None: that of the computation


@functools.lru_cache(maxsize=1024)
def _program_of(call: _Call) -> Callable[[list[Array | None]], Tree]:
    """The compiled program of a call, a function of its numbers."""

    def answer(numbers: list[Array | None]) -> Tree:
        pairs = zip(numbers, call.others, strict=True)
        leaves = [other if number is None else number for number, other in pairs]
        args, inputs = jax.tree.unflatten(call.structure, leaves)
        return call.function(*args, **inputs, **dict(call.options))

    return jax.jit(lambda numbers: in_float64(answer, varying(numbers), call.dtype))


@functools.cache
def options_for_few_entries() -> dict[str, int | bool]:
    """Compiler options for a program of few entries, whose caller waits for the compilation.

    Without LLVM's optimisations and XLA's fusion emitters a program takes less than half of the
    time to compile. With few entries it takes no longer to run: its time is that of starting
    kernels. An option that the installed version of XLA does not know is left out.
    """
    options = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}
    return {name: value for name, value in options.items() if _is_known({name: value})}


def _is_known(option: dict[str, int | bool]) -> bool:
    try:
        jax.jit(lambda: (), compiler_options=option).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True


def varying(tree: Tree) -> Tree:
    """The tree whose leaves vary over each axis of a mesh over which one of them varies.

    Inside `jax.shard_map` the carry of a loop must vary over the same axes before and after a step.
    """
    axes = frozenset().union(*map(_axes, jax.tree.leaves(tree)))

    def vary(leaf: Array) -> Array:
        missing = tuple(sorted(axes - _axes(leaf)))
        return lax.pcast(leaf, missing, to="varying") if missing and _is_number(leaf) else leaf

    return jax.tree.map(vary, tree)


def _axes(leaf: Array) -> frozenset[str]:
    """The axes of the mesh over which an array varies. JAX 0.10 changed the attribute's name."""
    if not isinstance(leaf, jax.Array):
        return frozenset()
    kind = jax.typeof(leaf)
    return kind.vma if hasattr(kind, "vma") else kind.manual_axis_type.varying


def _with_settings_as_leaves(argument: Tree) -> Tree:
    """A `functools.partial` as a tree, so that the numbers that it holds are arguments too."""
    if type(argument) is not functools.partial:
        return argument
    return jax.tree_util.Partial(argument.func, *argument.args, **argument.keywords)


def _with_charged_costs(tree: Tree) -> Tree:
    def is_scenario(node: Tree) -> bool:
        return isinstance(node, Scenario)

    def known(leaf: Tree) -> Tree:
        if not is_scenario(leaf):
            return leaf
        check_scenario(leaf)
        return dataclasses.replace(leaf, charged=charged_costs(leaf))

    return jax.tree.map(known, tree, is_leaf=is_scenario)


def _without_list(value: Tree) -> Tree:
    """A list of numbers as an array, so that it is one argument; another list as a tuple."""
    if not isinstance(value, list):
        return value
    if not all(map(_is_number, jax.tree.leaves(value))):
        return tuple(value)
    return jnp.stack(value) if in_jax(value) else np.asarray(value)


def _is_number(leaf: Tree) -> bool:
    return isinstance(leaf, (jax.Array, np.ndarray, np.generic, int, float)) and not isinstance(
        leaf, bool
    )


def _as_argument(number: Array) -> Array:
    number = as_float("an input", number)
    if is_traced(number):
        # Outside `jit` a traced number may hold a NumPy number of another precision than JAX's.
        number = jnp.array(number)
    if not hasattr(number, "dtype"):
        return number
    is_other = number.dtype.itemsize < 4 or (float32_requested() and number.dtype != np.float32)
    return number.astype(np.float32) if is_other else number
