"""The door of questions that are made of other questions."""

from collections.abc import Callable
from typing import Any

import jax

from jaxlaws.precision import float64, is_traced, to_numpy


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
