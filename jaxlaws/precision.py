"""The policy of precision: float64 wherever the platform has it, without touching the user's flags.

Fits and plans need float64, but a user's program may use float32, and some platforms have no
float64. What is given decides:

| given | platform with float64 (CPU, GPU) | platform without float64 |
| --- | --- | --- |
| plans of NumPy arrays | float64 | search in float32, then polish in float64 on the host's CPU |
| plans of arrays of JAX, in traces | float64, rounded to the caller's precision | float32 |
| fits | float64 | float64, on the host's CPU |

A plan that is computed in float32 has the tolerances of float32 for its statuses
(`planning/solver/numeric_tolerances.py`). To have it polished, ask again with NumPy arrays. The
platform is that of the arrays, or else the default one of JAX when a program is traced; a program
that is exported for a platform without float64 needs `precision="float32"`, see `Precision`. The
property `precision` of a plan and of a fit says what its numbers have.

Outside a trace, entry points compute in the local context `float64` and return NumPy arrays, which
every JAX program accepts. Inside a trace, `in_float64` computes in float64 and rounds the results.
"""

import contextvars
import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import ModuleType
from typing import Literal, TypeAlias, TypeVar, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer, eval_context

from jaxlaws.foundations.annotations import Array, Tree

_T = TypeVar("_T")

# The platforms of JAX with float64. XLA emulates it on a TPU with pairs of float32, which have the
# range of float32 and lack some operations.
_WITH_FLOAT64 = frozenset({"cpu", "gpu", "cuda", "rocm"})

Search: TypeAlias = Callable[[], AbstractContextManager[None]]

# How a planning function computes where its inputs are traced, or arrays of an accelerator. None is
# the policy above. "float64" is an error on a platform without float64. "float32" is for slow
# float64: more plans end as NOT_CONVERGED, and sizes that the loss hardly determines can be wrong,
# with their derivatives. Plans of numbers and NumPy arrays always have float64.
Precision: TypeAlias = Literal["float32", "float64"]

_requested = contextvars.ContextVar[Precision | None]("_requested", default=None)


def has_float64(platform: str) -> bool:
    """Return whether plans and fits use float64 on a platform of JAX."""
    return platform in _WITH_FLOAT64


def platform_of(*trees: Tree) -> str:
    """The platform of the first array of JAX that is not traced; else the default one, here."""
    for leaf in jax.tree.leaves(trees):
        if isinstance(leaf, jax.Array) and not isinstance(leaf, Tracer):
            return next(iter(leaf.devices())).platform
    device = jax.config.jax_default_device  # pyright: ignore[reportAttributeAccessIssue]
    return getattr(device, "platform", device) or jax.default_backend()


def is_traced(*trees: object) -> bool:
    """Return whether any leaf is being traced by jit, vmap, grad or another transformation."""
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(trees))


def in_jax(*trees: object) -> bool:
    """Return whether any leaf is computed where it is: traced, or not in the host's memory.

    An array on an accelerator, or on several devices or processes, stays there, and so do results.
    Any other array is one of NumPy, or as good as one.
    """
    return any(
        isinstance(leaf, Tracer) or (isinstance(leaf, jax.Array) and not _in_host_memory(leaf))
        for leaf in jax.tree.leaves(trees)
    )


def _in_host_memory(array: jax.Array) -> bool:
    devices = array.devices()
    return len(devices) == 1 and next(iter(devices)).platform == "cpu"


def array_module(*trees: object) -> ModuleType:
    """Return `jax.numpy` if a leaf is computed where it is, see `in_jax`, else NumPy."""
    return jnp if in_jax(*trees) else np


@contextmanager
def float64() -> Iterator[None]:
    """Compute in float64 and without tracing, even inside a function that is being traced.

    `jax_debug_nans` is off: JAX checks every number that leaves a program, and some numbers of a
    plan are NaN because they do not apply. On a platform without float64 the host's CPU computes.
    """
    on_host = nullcontext() if has_float64(platform_of()) else jax.default_device(_host())
    with eval_context(), jax.enable_x64(True), jax.debug_nans(False), on_host:
        yield


def first_search() -> Search:
    """A context for a search whose end is polished in `float64`, for any thread.

    Within it a platform without float64 computes in float32. On any other platform it does nothing.
    """
    if has_float64(platform_of()):
        return nullcontext
    device = jax.config.jax_default_device  # pyright: ignore[reportAttributeAccessIssue]

    @contextmanager
    def in_float32() -> Iterator[None]:
        with jax.default_device(device), jax.enable_x64(False):
            yield

    return in_float32


def widened(tree: _T) -> _T:
    """Return the tree as NumPy arrays that can be changed, with float64 in place of float32."""

    def wide(leaf: Array) -> np.ndarray:
        array = np.array(leaf)
        return array.astype(np.float64) if array.dtype == np.float32 else array

    return jax.tree.map(wide, tree)


def precision_of(tree: Tree) -> str:
    """The precision of the numbers of a result: `float64`, `float32`."""
    kinds = [np.dtype(leaf.dtype) for leaf in jax.tree.leaves(tree) if hasattr(leaf, "dtype")]
    return np.result_type(*(kind for kind in kinds if kind.kind == "f")).name


def _host() -> jax.Device:  # pyright: ignore[reportInvalidTypeForm]
    return jax.local_devices(backend="cpu")[0]


def to_float64(tree: _T) -> _T:
    """Return the tree with every leaf as a NumPy float64 array."""
    return jax.tree.map(lambda leaf: np.asarray(leaf, dtype=np.float64), tree)


def to_numpy(tree: _T) -> _T:
    """Return the tree with every leaf as a NumPy array of the same dtype."""
    return jax.tree.map(np.asarray, tree)


def keeping_float64(rule: Callable[..., _T]) -> Callable[..., _T]:
    """A derivative rule that computes in float64 where its arguments are float64.

    JAX may call the rule of a function after `in_float64` has returned, for second derivatives.
    """

    @functools.wraps(rule)
    def answer(*args: Tree) -> _T:
        wide = any(getattr(leaf, "dtype", None) == np.float64 for leaf in jax.tree.leaves(args))
        with jax.enable_x64(True) if wide else nullcontext():
            return rule(*args)

    return answer


@contextmanager
def computed_in(precision: Precision | None) -> Iterator[None]:
    """A context in which plans inside a trace are computed in this precision; None: no change."""
    if precision not in (None, *get_args(Precision)):
        raise ValueError(f"precision must be 'float32', 'float64' or None, got {precision!r}")
    token = _requested.set(precision or _requested.get())
    try:
        yield
    finally:
        _requested.reset(token)


def precision_of_results(*trees: Tree) -> np.dtype | None:
    """The precision that a program inside a trace gives its results, at least float32.

    It is the common precision of the leaves that are computed where they are. None where nothing
    is rounded: where it is float64, where float32 is requested, and on a platform without float64.

    Raises:
        ValueError: float64 is requested on a platform without float64.
    """
    arrays = [leaf for leaf in jax.tree.leaves(trees) if in_jax(leaf)]
    platform = platform_of(arrays)
    if _requested.get() == "float64" and not has_float64(platform):
        raise ValueError(
            f"precision='float64' is not possible on the platform {platform!r}. Leave it out to "
            "plan in float32, or plan NumPy arrays outside of the trace: the host's CPU has float64"
        )
    dtype = common_precision(arrays)
    is_rounded = not float32_requested() and has_float64(platform) and dtype != np.float64
    return dtype if is_rounded else None


def float32_requested() -> bool:
    """Whether plans inside a trace are computed in float32, whatever the platform."""
    return _requested.get() == "float32"


def common_precision(arrays: Sequence[jax.Array]) -> np.dtype:
    """The precision of results of arrays of JAX, at least float32.

    Numbers of Python, such as the argument of a compiled function, count where there are no others.
    """
    floats = [each for each in arrays if jnp.issubdtype(each.dtype, jnp.floating)]
    strong = [each for each in floats if not each.weak_type]
    return jnp.result_type(jnp.float32, *(each.dtype for each in strong or floats))


def wide_numbers(dtype: np.dtype | None) -> AbstractContextManager[None]:
    """A context in which concrete numbers keep float64, for a program that rounds to `dtype`."""
    if float32_requested():
        return jax.enable_x64(False)
    return nullcontext() if dtype is None else jax.enable_x64(True)


def in_float64(function: Callable[[Tree], Tree], given: Tree, dtype: np.dtype | None) -> Tree:
    """Call a function inside a trace and compute in float64, whatever the precision of the trace.

    The result can be differentiated, in forward and in reverse mode and more than once, also after
    the trace, as in `jax.grad(jax.jit(...))` or in the derivative of a `lax.scan`.

    Args:
        function: takes `given`, with float64 in place of each floating-point leaf that is traced,
            and returns a tree of arrays. It may close over traced values.
        given: a tree; leaves that are not traced are passed as they are.
        dtype: the precision of the floating-point results, see `precision_of_results`. None: the
            function is called as it is.
    """
    if dtype is None:
        return function(given)
    leaves, structure = jax.tree.flatten(given)
    numbers = [leaf for leaf in leaves if is_traced(leaf)]
    kinds: list[np.dtype] = []
    trees: list[Tree] = []

    def answer(*numbers: Array) -> list[Array]:
        rest = iter(numbers)
        filled = [_as_float64(next(rest)) if is_traced(leaf) else leaf for leaf in leaves]
        results, tree = jax.tree.flatten(function(jax.tree.unflatten(structure, filled)))
        kinds[:], trees[:] = [_narrow(jnp.result_type(each)) for each in results], [tree]
        # A custom derivative rule cannot have integers as results. Small ones are exact as floats.
        return [jnp.asarray(each, np.float64) for each in results]

    with jax.enable_x64(True):
        converted, closed_over = jax.closure_convert(answer, *numbers)
    rounded = _computed_in_float64(converted, dtype, *numbers, *closed_over)
    results = [
        each if jnp.issubdtype(kind, jnp.floating) else each.astype(kind)
        for each, kind in zip(rounded, kinds, strict=True)
    ]
    return jax.tree.unflatten(trees[0], results)


def _narrow(kind: np.dtype) -> np.dtype:
    """The kind of a result in a program without 64-bit integers."""
    is_wide = jnp.issubdtype(kind, jnp.signedinteger) and np.dtype(kind).itemsize > 4
    return np.dtype(np.int32 if is_wide else kind)


def _as_float64(leaf: Array) -> Array:
    is_float = jnp.issubdtype(leaf.dtype, jnp.floating)
    return lax.convert_element_type(leaf, np.float64) if is_float else leaf


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _computed_in_float64(
    function: Callable[..., list[Array]], dtype: np.dtype, *numbers: Array
) -> list[Array]:
    with jax.enable_x64(True):
        return [lax.convert_element_type(each, dtype) for each in function(*numbers)]


@_computed_in_float64.defjvp
def _in_float64_jvp(
    function: Callable[..., list[Array]],
    dtype: np.dtype,
    primals: tuple[Array, ...],
    tangents: tuple[Array, ...],
) -> tuple[list[Array], list[Array]]:
    """The derivative rule. Without it, a derivative after the trace would leave the context."""
    with jax.enable_x64(True):
        # Outside the context JAX makes the zero tangents of float64 numbers in float32.
        tangents = tuple(
            lax.convert_element_type(tangent, primal.dtype)
            if jnp.issubdtype(primal.dtype, jnp.floating)
            else tangent
            for primal, tangent in zip(primals, tangents, strict=True)
        )
        both = jax.jvp(function, primals, tangents)
        return jax.tree.map(lambda each: lax.convert_element_type(each, dtype), both)
