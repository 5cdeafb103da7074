"""A mapping that is a JAX tree and gives its entries as attributes."""

from collections.abc import Mapping

import jax

from jaxlaws.foundations.annotations import Tree
from jaxlaws.pytree import register_for_export


class Record(dict[str, Tree]):
    """A mapping with sorted keys whose entries are attributes too.

    `shares.student` is `shares["student"]`. A method of `dict` keeps its name: an entry named
    `items` is read as `record["items"]`. Two records with the same keys have the same tree
    structure, whatever the order in which they were made.

    >>> shares = Record(student=0.7, logits=0.3)
    >>> shares.student, list(shares)
    (0.7, ['logits', 'student'])
    >>> shares | {"serving": 0.0}
    {'logits': 0.3, 'serving': 0.0, 'student': 0.7}
    """

    def __init__(self, entries: Mapping[str, Tree] | None = None, /, **more: Tree) -> None:
        merged = {**(entries or {}), **more}
        super().__init__(sorted(merged.items()))

    def __getattr__(self, name: str) -> Tree:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(
                f"this record has no entry {name!r}; its entries are {', '.join(self)}"
            ) from None

    def __or__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, other: Mapping[str, Tree]
    ) -> "Record":
        return Record({**self, **other})


def _flatten_with_keys(record: Record) -> tuple[tuple[tuple[object, Tree], ...], tuple[str, ...]]:
    names = tuple(sorted(record))
    return tuple((jax.tree_util.DictKey(name), record[name]) for name in names), names


def _flatten(record: Record) -> tuple[tuple[Tree, ...], tuple[str, ...]]:
    names = tuple(sorted(record))
    return tuple(record[name] for name in names), names


jax.tree_util.register_pytree_with_keys(
    Record,
    _flatten_with_keys,
    lambda names, values: Record(dict(zip(names, values, strict=True))),
    _flatten,
)
register_for_export(Record)
