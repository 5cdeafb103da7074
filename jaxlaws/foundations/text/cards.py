"""How an object shows itself: a short table, as text and in a notebook as HTML.

Objects inside a JAX trace have leaves without numbers, and JAX puts placeholders into trees. Such
leaves are shown by their shape and type.
"""

import html
import textwrap
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jax.core import Tracer

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.text.escaping import terminal_text
from jaxlaws.foundations.text.tables import Table, table_html, table_text

_WIDTH = 80
MOST_ROWS = 12


class Card(NamedTuple):
    """What an object shows.

    Attributes:
        title: the kind of object, and the most important fact about it.
        table: its numbers.
        notes: sentences below the table, such as caveats.
        picture: makes the address of a picture, which only HTML has; empty for none.
    """

    title: str
    table: Table
    notes: Sequence[str] = ()
    picture: Callable[[], str] | None = None

    def text(self) -> str:
        """The card as text of 80 columns."""
        notes = [each for each in (self.table.note, *self.notes) if each]
        parts = [textwrap.fill(terminal_text(each), _WIDTH) for each in (self.title, *notes)]
        table = [table_text(self.table, _WIDTH)] if self.table.rows else []
        return "\n".join([parts[0], *table, *parts[1:]])

    def html(self) -> str:
        """The card in HTML, in which text of files has no markup."""
        notes = [each for each in (self.table.note, *self.notes) if each]
        title, *below = [f"<p>{html.escape(each)}</p>" for each in (self.title, *notes)]
        if self.picture is not None and (address := self.picture()):
            below.append(f'<img alt="{html.escape(self.title)}" width="560" src="{address}">')
        return "".join([title, table_html(self.table) if self.table.rows else "", *below])


class Displayed:
    """An object that shows a card in place of its fields."""

    def _card(self) -> Card:
        raise NotImplementedError

    def __repr__(self) -> str:
        return self._card().text()

    def _repr_html_(self) -> str:
        return self._card().html()


def numbers_of(leaf: object) -> np.ndarray | None:
    """The numbers of a leaf in float64; None inside a trace, and for a placeholder."""
    if isinstance(leaf, Tracer):
        return None
    if isinstance(leaf, jax.Array) and (leaf.is_deleted() or not leaf.is_fully_addressable):
        return None
    if not isinstance(leaf, (bool, int, float, np.ndarray, np.generic, jax.Array)):
        return None
    try:
        return np.asarray(leaf, dtype=np.float64)
    except (TypeError, ValueError):  # texts, and keys of random numbers
        return None


def has_numbers(tree: Tree) -> bool:
    """Whether each leaf of a tree has numbers, and no leaf is missing."""
    leaves = jax.tree.leaves(tree, is_leaf=lambda leaf: leaf is None)
    return all(numbers_of(leaf) is not None for leaf in leaves)


def card_without_numbers(tree: Tree) -> Card:
    """The shapes and types of the leaves of a tree, some of which have no numbers."""
    paths, _ = jax.tree_util.tree_flatten_with_path(tree, is_leaf=lambda leaf: leaf is None)
    names = [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in paths]
    rows = [[name, _kind(leaf)] for name, (_, leaf) in zip(names, paths, strict=True)]
    return Card(type(tree).__name__, cut(Table(["", "leaf"], rows)))


def card_of_law(law: Tree, leaves: Sequence[tuple[str, Array, tuple[int, ...], str]]) -> Card:
    """The coefficients of a law; for a batch of laws the middle and the ends of each.

    Args:
        law: the law.
        leaves: the name, the leaf, the declared shape and the unit of each coefficient.
    """
    rows, batch = [], ()
    for name, leaf, shape, unit in leaves:
        numbers = numbers_of(leaf)
        if numbers is None or numbers.shape[numbers.ndim - len(shape) :] != shape:
            return card_without_numbers(law)
        batch = max(batch, numbers.shape[: numbers.ndim - len(shape)], key=len)
        for index in np.ndindex(shape):
            element = f"{name}[{','.join(map(str, index))}]" if index else name
            values = numbers[(..., *index)]
            ends = [values] if values.size == 1 else []
            if not ends and values.size:
                ends = [np.quantile(values, level) for level in (0.5, 0.0, 1.0)]
            rows.append([element, unit, *(f"{float(np.squeeze(end)):.6g}" for end in ends)])
    inputs = ", ".join(getattr(law, "input_names", ()))
    kind = f"{type(law).__name__}: " + (f"a batch {batch} of laws" if batch else "a law")
    heads = ["coefficient", "unit", *(["median", "least", "greatest"] if batch else ["value"])]
    table = Table(heads, rows)
    if not any(row[1] for row in rows):
        table = Table([heads[0], *heads[2:]], [[row[0], *row[2:]] for row in rows])
    return Card(f"{kind} of {inputs}", cut(table))


def cut(table: Table) -> Table:
    """The first rows of a table that is much longer, with a note on the others."""
    left = len(table.rows) - MOST_ROWS
    if left <= MOST_ROWS // 3:
        return table
    return table._replace(rows=table.rows[:MOST_ROWS], note=f"… and {left} more rows")


def _kind(leaf: object) -> str:
    if leaf is None:
        return "None"
    dtype, shape = getattr(leaf, "dtype", None), getattr(leaf, "shape", None)
    if dtype is None or shape is None:
        return type(leaf).__name__
    traced = ", traced" if isinstance(leaf, Tracer) else ""
    return f"{dtype}[{','.join(map(str, shape))}]{traced}"
