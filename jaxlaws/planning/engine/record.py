"""Values by name, in a tree that JAX knows."""

from typing import Any

import jax


class Record(dict[str, Any]):
    """A mapping whose entries are attributes too: `shares.student` is `shares["student"]`.

    >>> shares = Record(student=0.7, logits=0.3)
    >>> shares.student, list(shares)
    (0.7, ['student', 'logits'])
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no {name!r} here, there are {', '.join(self)}") from None


jax.tree_util.register_pytree_with_keys(
    Record,
    lambda record: (
        tuple((jax.tree_util.DictKey(name), value) for name, value in record.items()),
        tuple(record),
    ),
    lambda names, values: Record(zip(names, values, strict=True)),
    lambda record: (tuple(record.values()), tuple(record)),
)
