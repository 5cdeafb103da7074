"""Checks of the inputs of a question."""

from typing import Any

import jax
import numpy as np

from jaxlaws.inputs import as_float

Bounds = tuple[Any, Any]


DEFAULT_BOUNDS: Bounds = (1e3, 1e17)


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


def _told(law: Any) -> str:
    names = getattr(law, "input_names", None)
    return f"{type(law).__name__} of {', '.join(names)}" if names else repr(law)
