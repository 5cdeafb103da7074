"""Checks of the arguments of a planning function."""

from types import ModuleType

import jax
import numpy as np

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.law import outcomes_of
from jaxlaws.inputs import as_float
from jaxlaws.planning.engine.mixture import in_scalar_leaves

# The lower and the upper bound of a size or a number of tokens, broadcast with the inputs.
Bounds = tuple[Array, Array]

DEFAULT_BOUNDS: Bounds = (1e3, 1e17)


def callable_tree(function: Tree, name: str = "forward_flops") -> Tree:
    """A function as a tree without leaves; a callable tree unchanged.

    Args:
        function: a plain function, or a callable tree such as a dataclass with `__call__`.
        name: the name of the argument, for the error.

    Raises:
        TypeError: the argument cannot be called.
    """
    if not callable(function):
        raise TypeError(f"{name} must be a function of a size, got {function!r}")
    is_leaf = jax.tree.structure(function) == jax.tree.structure(0)
    return jax.tree_util.Partial(function) if is_leaf else function


def supervised_law(law: Tree, further: tuple[str, ...] = ()) -> Tree:
    """The law of supervised training: the law itself, or the `supervised` of a distillation law.

    Args:
        law: the law.
        further: the inputs beside num_params and num_tokens that the law must take.

    Raises:
        TypeError: the law is not a law of num_params, num_tokens and the further inputs, and
            contains no such law; or it predicts several outcomes.
    """
    names = {"num_params", "num_tokens", *further}
    for candidate in (law, getattr(law, "supervised", None)):
        if set(getattr(candidate, "input_names", ())) == names:
            if outcomes_of(candidate):
                raise TypeError(
                    f"{_kind(candidate)} predicts several outcomes, and a plan needs one loss: "
                    "plan with a law whose loss is their mean, or another function of them"
                )
            return in_scalar_leaves(candidate)
    others = [name for name in getattr(law, "input_names", ()) if name not in names]
    fixed = ", ".join(f"{name}=..." for name in others) or "name=..."
    chosen = ", ".join(f'"{name}": (low, high)' for name in (*others, *further)) or '"name": ...'
    listed = ", ".join(("num_params", "num_tokens", *further))
    raise TypeError(
        f"expected a law of {listed}, or a distillation law, got {_kind(law)}. A law with further "
        f"inputs needs them fixed first: fix_inputs(law, {fixed}) (from jaxlaws import "
        f"fix_inputs). compute_optimal can choose them as well: input_bounds={{{chosen}}}."
    )


def distillation_law(law: Tree) -> Tree:
    """The law, checked to be a distillation law.

    Raises:
        TypeError: the law is not a distillation law.
    """
    names = {"num_student_params", "num_student_tokens", "teacher_loss"}
    if set(getattr(law, "input_names", ())) == names and hasattr(law, "supervised"):
        return in_scalar_leaves(law)
    raise TypeError(
        "expected a distillation law (of num_student_params, num_student_tokens and "
        f"teacher_loss, with a law `supervised`), got {_kind(law)}. Such a law is fitted to runs "
        "with a column teacher_loss; a published one is busbridge2025_refit. To plan a model "
        "without a teacher: `jaxlaws plan train` on the command line, compute_optimal in Python"
    )


def law_of(law: Tree, names: tuple[str, ...], example: str) -> Tree:
    """The law, checked to take exactly these inputs.

    Args:
        law: the law.
        names: the names of the inputs.
        example: the class of such a law, for the error.

    Raises:
        TypeError: the law takes other inputs.
    """
    if set(getattr(law, "input_names", ())) == set(names):
        return in_scalar_leaves(law)
    listed = f"{', '.join(names[:-1])} and {names[-1]}"
    raise TypeError(f"expected a law of {listed}, such as {example}, got {_kind(law)}")


def _kind(law: object) -> str:
    names = getattr(law, "input_names", None)
    return f"{type(law).__name__} of {', '.join(names)}" if names else repr(law)


def is_valid(
    array: Array, xp: ModuleType, *, may_be_zero: bool = False, may_be_negative: bool = False
) -> Array:
    """Which entries of an input are valid: finite, and above zero unless the flags allow more."""
    if may_be_negative:
        return xp.isfinite(array)
    return (array < xp.inf) & ((array >= 0) if may_be_zero else (array > 0))


def checked(
    name: str, value: Array, *, may_be_zero: bool = False, may_be_negative: bool = False
) -> np.ndarray:
    """An input as a NumPy float64 array, checked to be finite and positive.

    Args:
        name: the name of the input, for the error.
        value: a number or an array.
        may_be_zero: whether zero is allowed as well.
        may_be_negative: whether every finite number is allowed.

    Raises:
        TypeError: the value is not a number and not an array of numbers.
        ValueError: an entry is not valid.
    """
    array = np.asarray(as_float(name, value), dtype=np.float64)
    wrong = ~is_valid(array, np, may_be_zero=may_be_zero, may_be_negative=may_be_negative)
    if wrong.any():
        must = "not be negative" if may_be_zero else "be positive"
        expected = "be finite" if may_be_negative else f"{must} and finite"
        raise ValueError(f"{name} must {expected}, got {array[wrong][0]:g}")
    return array


def split_bounds(name: str, bounds: Bounds) -> Bounds:
    """The lower and the upper bound of a pair.

    Raises:
        TypeError: the argument is not a pair.
    """
    try:
        lower, upper = bounds
    except (TypeError, ValueError):
        raise TypeError(f"{name}_bounds must be a pair (lower, upper), got {bounds!r}") from None
    return lower, upper


def check_order(name: str, lower: np.ndarray, upper: np.ndarray) -> None:
    """Check that no lower bound is above its upper bound.

    Raises:
        ValueError: a lower bound is above its upper bound.
    """
    if (lower > upper).any():
        lower, upper = np.broadcast_arrays(lower, upper)
        worst = np.argmax(lower > upper)
        raise ValueError(
            f"{name}_bounds exclude each other: the lower bound {lower.flat[worst]:g} is above "
            f"the upper bound {upper.flat[worst]:g}"
        )
