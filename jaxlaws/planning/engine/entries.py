"""The inputs of a question as batch entries: checked, of one shape, and marked where invalid."""

import contextlib
import contextvars
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.inputs import as_float
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, check_order, checked, is_valid
from jaxlaws.planning.engine.limits import Limit
from jaxlaws.planning.engine.mixture import Mixture
from jaxlaws.planning.engine.record import Record

# An invalid input of a batch entry is replaced by this value, and the entry becomes INFEASIBLE.
_REPLACEMENT = 1e21

# Whether NaN in a concrete input is an error, or makes its batch entry INFEASIBLE.
_nan_is_error = contextvars.ContextVar("_nan_is_error", default=True)


class Entries(NamedTuple):
    """What differs between the entries of a batch; every leaf has the shape of the batch."""

    inputs: dict[str, Tree]
    lower: dict[str, Array]
    upper: dict[str, Array]
    most: dict[str, Array]  # of each limit
    trees: dict[str, Tree]  # laws and functions that differ between entries
    valid: Array


def requested_entries(
    inputs: Mapping[str, Tree], bounds: Mapping[str, Bounds], limits: Mapping[str, Limit]
) -> Entries:
    """The entries as the caller gives them, in floating point.

    Args:
        inputs: numbers, arrays or mappings of them, by name.
        bounds: a pair for each variable that has bounds.
        limits: the limits by name.

    Raises:
        TypeError: an input is not a number and not an array of numbers.
    """
    return Entries(
        inputs={
            name: {key: as_float(f"{name}[{key}]", each) for key, each in value.items()}
            if isinstance(value, Mapping)
            else as_float(name, value)
            for name, value in inputs.items()
        },
        lower={name: as_float(f"{name}_bounds", low) for name, (low, _) in bounds.items()},
        upper={name: as_float(f"{name}_bounds", high) for name, (_, high) in bounds.items()},
        most={name: as_float(f"limits[{name!r}].most", each.most) for name, each in limits.items()},
        trees={},
        valid=True,
    )


@contextlib.contextmanager
def nan_is_infeasible() -> Iterator[None]:
    """Within this context NaN in a concrete input makes its batch entry INFEASIBLE."""
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
    may_be_negative: bool = False,
    replacement: float = _REPLACEMENT,
) -> tuple[Array, Array]:
    """An input whose invalid entries are replaced, and which entries are valid.

    Args:
        name: the name of the input.
        value: a number or an array.
        xp: `jax.numpy` inside a trace, else NumPy.
        may_be_zero: whether zero is valid.
        may_be_negative: whether every finite number is valid.
        replacement: the value that an invalid entry gets, if it may not be zero.

    Raises:
        ValueError: an entry of a concrete input is not valid. Inside `compose` NaN is replaced
            instead: there it is what another part reports where it has no plan.
        TypeError: the value is not a number and not an array of numbers.
    """
    array = xp.asarray(as_float(name, value))
    allowed = {"may_be_zero": may_be_zero, "may_be_negative": may_be_negative}
    good = is_valid(array, xp, **allowed)
    if xp is np:
        if good.all():
            return array.astype(np.float64, copy=False), good
        valid = ~np.isnan(array) | _nan_is_error.get()
        return checked(name, np.where(valid, array, replacement), **allowed), valid
    return xp.where(good, array, 0.0 if any(allowed.values()) else replacement), good


def prepare(
    may_be_zero: tuple[str, ...],
    may_be_negative: tuple[str, ...],
    requested: Entries,
    trees: Mapping[str, Tree],
    xp: ModuleType,
) -> Entries:
    """The entries, checked and of one shape. Invalid values are errors, or mark their entry.

    Args:
        may_be_zero: the names of inputs that may be zero, and of variables whose bounds may.
        may_be_negative: the names of those that may be any finite number.
        requested: the entries as the caller gave them.
        trees: the law and the functions, whose dtype the entries take inside a trace.
        xp: `jax.numpy` inside a trace, else NumPy.
    """
    shape = _broadcast_shape(requested)
    dtype = np.float64
    if xp is jnp:
        numbers = requested._replace(trees=trees, valid=None)
        dtype = jnp.result_type(float, *jax.tree.leaves(numbers))
    valid = xp.ones(shape, dtype=bool)

    def clean(name: str, value: Array, replacement: float, of: str | None = None) -> Array:
        nonlocal valid
        if xp is jnp:  # JAX broadcasts explicitly, where rank promotion may be an error
            value = jnp.broadcast_to(jnp.asarray(value, dtype), shape)
        array, good = valid_input(
            name,
            value,
            xp,
            may_be_zero=of in may_be_zero,
            may_be_negative=of in may_be_negative,
            replacement=replacement,
        )
        if xp is jnp or not good.all():
            valid = valid & good
        return of_shape(array, shape, xp)

    def clean_input(name: str, value: Tree) -> Tree:
        if isinstance(value, Mapping):
            return {
                key: clean(f"{name}[{key}]", each, _REPLACEMENT, of=name)
                for key, each in value.items()
            }
        return clean(name, value, _REPLACEMENT, of=name)

    lowest, highest = DEFAULT_BOUNDS
    inputs = {name: clean_input(name, value) for name, value in requested.inputs.items()}
    lower = {k: clean(f"{k}_bounds", value, lowest, of=k) for k, value in requested.lower.items()}
    upper = {k: clean(f"{k}_bounds", value, highest, of=k) for k, value in requested.upper.items()}
    most = {k: clean(f"limits[{k!r}].most", v, _REPLACEMENT) for k, v in requested.most.items()}
    for name in lower:
        if xp is np:
            check_order(name, lower[name], upper[name])
        else:
            valid = valid & (lower[name] <= upper[name])
    batched = jax.tree.map(lambda leaf: of_shape(leaf, shape, xp), requested.trees)
    return Entries(inputs, lower, upper, most, batched, valid)


def of_shape(array: Array, shape: tuple[int, ...], xp: ModuleType) -> Array:
    """The array, broadcast where needed: for one number NumPy takes longer than for a check."""
    return array if np.shape(array) == shape else xp.broadcast_to(array, shape)


def _broadcast_shape(entries: Entries) -> tuple[int, ...]:
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
        shapes[name] = jnp.broadcast_shapes(*map(np.shape, leaves))
    try:
        return jnp.broadcast_shapes(*shapes.values())
    except ValueError:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items() if shape)
        raise ValueError(f"inputs do not broadcast together: {listed}") from None


def given_record(common: Mapping[str, Tree], entries: Entries) -> Record:
    """The `given` of a question's functions: the law, the inputs, the bounds and the limits."""
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


def padded(entries: Tree, chosen: np.ndarray, size: int) -> Tree:
    """The chosen entries; the last is repeated to fill a batch of a fixed size."""
    if len(chosen) == size == len(jax.tree.leaves(entries)[0]):
        return entries
    index = np.concatenate([chosen, np.full(size - len(chosen), chosen[-1])])
    return jax.tree.map(lambda array: np.take(array, index), entries)


def batched_trees(trees: Mapping[str, Tree]) -> dict[str, Tree]:
    """The law and the functions that differ between batch entries."""
    return {
        name: tree
        for name, tree in trees.items()
        if not isinstance(tree, Mixture) and any(map(np.ndim, jax.tree.leaves(tree)))
    }
