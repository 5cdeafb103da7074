"""Float64 by default without touching the user's flags.

Fits and plans need float64, but a user's program may use float32. Outside a trace, the entry points
of the package therefore compute in a local float64 context and return NumPy arrays. Every JAX
program accepts a NumPy float64 array, whatever its own precision. Inside a trace, the package keeps
the caller's precision.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer, eval_context

_T = TypeVar("_T")


def is_traced(*trees: object) -> bool:
    """Return whether any leaf is being traced by jit, vmap, grad or another transformation."""
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(trees))


def array_module(*trees: object) -> ModuleType:
    """Return `jax.numpy` if a leaf is traced, else NumPy."""
    return jnp if is_traced(*trees) else np


@contextmanager
def float64() -> Iterator[None]:
    """Compute in float64 and without tracing, even inside a function that is being traced.

    `jax_debug_nans` is off: JAX checks every number that leaves a program, and some numbers of a
    plan are NaN because they do not apply.
    """
    with eval_context(), jax.enable_x64(True), jax.debug_nans(False):
        yield


def to_float64(tree: _T) -> _T:
    """Return the tree with every leaf as a NumPy float64 array."""
    return jax.tree.map(lambda leaf: np.asarray(leaf, dtype=np.float64), tree)


def to_numpy(tree: _T) -> _T:
    """Return the tree with every leaf as a NumPy array of the same dtype."""
    return jax.tree.map(np.asarray, tree)
