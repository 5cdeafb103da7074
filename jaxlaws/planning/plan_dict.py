"""Answers of planning functions as dictionaries, as tables, and as what they show."""

import dataclasses
import enum
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar

import jax
import numpy as np

from jaxlaws.foundations.annotations import Array, Json, Tree
from jaxlaws.foundations.text.answer_notes import on_losses, unsolved
from jaxlaws.foundations.text.cards import (
    Card,
    Displayed,
    card_without_numbers,
    cut,
    has_numbers,
)
from jaxlaws.foundations.text.cells import SHARES, WORDS, cell, heading
from jaxlaws.foundations.text.table_columns import columns, flat, frame_of, known, table_of
from jaxlaws.foundations.text.tables import Table
from jaxlaws.precision import precision_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_RATIO_OF = (("num_params", "num_tokens"), ("num_student_params", "num_student_tokens"))
_ENUMS: dict[str, type[enum.IntEnum]] = {}
_E = TypeVar("_E", bound=type[enum.IntEnum])
# Parts of an answer that its card leaves out, or states in words.
_NOT_SHOWN = {"active_bounds", "marginal_values", "eligible", "status"}
_MOST_ENTRIES = 8
_PARTS = {"plans": "with each teacher", "supervised": "trained alone"}  # in headings
_FREE = "unlimited"  # tokens of a teacher whose training costs nothing
_ENDS = {"lower": lambda sides: sides < 0, "upper": lambda sides: sides > 0}


def named_in_plans(*fields: str) -> Callable[[_E], _E]:
    """A decorator of an enum: the fields of answers that hold it, whose names are written."""

    def register(names: _E) -> _E:
        _ENUMS.update(dict.fromkeys(fields, names))
        return names

    return register


def _names(values: Array, values_of: type[enum.IntEnum]) -> Json:
    array = np.asarray(values)
    if array.ndim == 0:
        number = array.item()  # of no member, where the tree is a derivative or a mean of plans
        return next((each.name for each in values_of if each == number), number)
    return [_names(each, values_of) for each in array]


def _fields(value: Tree) -> Mapping[str, Tree] | None:
    """The fields of an answer, or the entries of a mapping; None for numbers and arrays."""
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        value |= value.pop("further_inputs", {})
        value = with_tokens_per_param(value)
    return value if isinstance(value, Mapping) else None


def arrays_of(answer: Tree, prefix: str = "") -> dict[str, Array]:
    """The fields of an answer as arrays, in the order of `plan_to_dict`; dots join nested names."""
    found: dict[str, Array] = {}
    for key, value in (_fields(answer) or {}).items():
        is_leaf = _fields(value) is None
        found |= {f"{prefix}{key}": value} if is_leaf else arrays_of(value, f"{prefix}{key}.")
    return found


def enum_of(name: str) -> type[enum.IntEnum] | None:
    """The enum whose values a field of an answer holds, by the name that `arrays_of` gives it."""
    return _ENUMS.get(name.rpartition(".")[2])


def _plain(name: str, value: Tree) -> Json:
    if (fields := _fields(value)) is not None:
        return {key: _plain(key, entry) for key, entry in fields.items()}
    if name in _ENUMS:
        return _names(value, _ENUMS[name])
    array = np.asarray(value)
    if not np.issubdtype(array.dtype, np.floating):
        return array.tolist()
    finite = array.astype(object)
    finite[~np.isfinite(array)] = None
    return finite.tolist()


def with_tokens_per_param(fields: dict[str, Tree]) -> dict[str, Tree]:
    """The fields of a plan with the tokens per parameter of its model, after the tokens."""
    for size, tokens in _RATIO_OF:
        if size in fields and tokens in fields:
            ratio = {"tokens_per_param": fields[tokens] / fields[size]}
            names = list(fields)
            until = max(names.index(size), names.index(tokens)) + 1
            return {
                **{name: fields[name] for name in names[:until]},
                **ratio,
                **{name: fields[name] for name in names[until:]},
            }
    return fields


def plan_to_dict(plan: Tree) -> dict[str, Json]:
    """The fields of a plan by name, as numbers, lists and strings.

    A number that is not finite becomes None. A status and other enums become their names. A plan
    with a size and tokens also has `tokens_per_param`, of the model or the student.

    Args:
        plan: any plan or answer of this package, with concrete values.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import compute_optimal
    >>> plan = compute_optimal(presets.load("besiroglu2024"), flops=[1e3, 1e21])
    >>> plan_to_dict(plan)["status"], plan_to_dict(plan)["num_params"][0]
    (['INFEASIBLE', 'CONVERGED'], None)
    """
    return _plain("", plan)


class Answer(Displayed):
    """What a planning function returns: base of the classes of plans and other answers."""

    @property
    def precision(self) -> str:
        """The precision of the numbers, `float64` or `float32`; see `jaxlaws.precision`."""
        return precision_of(self)

    def to_dict(self) -> dict[str, Json]:
        """The fields by name, as numbers, lists and strings; see `plan_to_dict`."""
        return plan_to_dict(self)

    def to_frame(self) -> Tree:
        """A data frame with a row for each entry, of pandas, polars or pyarrow.

        Names of parts are joined by dots, such as `shares.student`. A number that is not finite is
        missing. A column of an answer with a further axis, such as teachers, holds lists.

        Raises:
            ModuleNotFoundError: none of the three libraries is installed.
        """
        return frame_of(columns(flat(self.to_dict()), self._shape()))

    def plot(self, flops: Array | None = None, *, title: str = "") -> "Figure":
        """A picture of a plan or a comparison, of one or of a sweep of budgets, or of a frontier.

        Args:
            flops: the budgets, rising, shape `(budgets,)`; None: what each plan spends.
            title: the title above the picture.

        Raises:
            TypeError: there is no picture of this kind of answer.
            ValueError: the answer is neither single nor a sweep of budgets.
        """
        from jaxlaws.figures.answers import picture_of  # figures are above this room

        return picture_of(self, flops, title=title)

    def _shape(self) -> tuple[int, ...]:
        """The shape of the entries: some leaves have one more axis."""
        return min((np.shape(leaf) for leaf in jax.tree.leaves(self)), key=len)

    def _picture_uri(self) -> str:
        """The address of the picture of a sweep; empty for another answer."""
        from jaxlaws.figures.answers import uri_of

        return uri_of(self)

    # The plans of an answer, in the order of their columns.
    _columns_of_plans: ClassVar[Sequence[str]] = ()

    def _remarks(self) -> list[str]:
        """Sentences below the table of a single answer."""
        return []

    def _in_short(self) -> tuple[str, Table] | None:
        """The headline and the table of a single answer, in place of the usual ones."""
        return None

    def _card(self) -> Card:
        if not has_numbers(self):
            return card_without_numbers(self)
        document, shape, name = flat(self.to_dict()), self._shape(), type(self).__name__
        document |= _tokens_of_free_teachers(document)
        shown = {k: v for k, v in document.items() if not _NOT_SHOWN & set(k.split("."))}
        remarks = [] if shape else self._remarks()
        notes = [*unsolved(document), *remarks, *on_losses(document, judged=bool(remarks))]
        if shape:
            table = self._table_of_entries(shown, shape)
            return Card(f"{name} of shape {shape}", table, notes, self._picture_uri)
        title, table = self._in_short() or self._all_numbers(document, shown)
        title = name if title is None else f"{name}: {title}"
        return Card(title, cut(table), [*_at_bounds(document), *notes])

    def _all_numbers(
        self, document: Mapping[str, Json], shown: Mapping[str, Json]
    ) -> tuple[str | None, Table]:
        """The headline and the table of a single answer; the plans that it holds are columns."""
        found = {_part(k) for k in document if _last(k) == "status" and "." in k}
        order = [*(f"options.{each}" for each in self._columns_of_plans), *sorted(found)]
        parts = list(dict.fromkeys(each for each in order if each in found))
        texts = {_title(key): cell(key, v) for key, v in shown.items() if not _part_of(key, parts)}
        own = [[key, text] for key, text in texts.items() if text not in ("–", "0.0%")]
        if parts:
            return ", ".join(map(" ".join, own)), _side_by_side(shown, parts)
        return document.get("status"), Table(["", "value"], own)

    def _table_of_entries(self, shown: Mapping[str, Json], shape: tuple[int, ...]) -> Table:
        """A row for each of some entries; the losses of plans that the answer holds are columns."""
        names = [key for key in shown if "." not in key or _last(key) == "loss"]
        spent = [
            leaf
            for key, leaf in arrays_of(self).items()
            if _last(key) == "flops" and np.shape(leaf) == shape
        ]
        if "flops" not in names and spent:
            budgets = known(np.fmax.reduce(spent))
            shown, names = {"flops": budgets, **shown}, ["flops", *names]
        values = columns({key: shown[key] for key in names}, shape)
        table = table_of(values, {key: _title(key) for key in names}, most=_MOST_ENTRIES)
        num = int(np.prod(shape))
        left_out = f"{len(table.rows)} of {num} entries are shown; to_frame() has all."
        note = left_out if len(table.rows) < num else "to_frame() has all columns."
        return table._replace(note=note)


def _tokens_of_free_teachers(document: Mapping[str, Json]) -> dict[str, Json]:
    """The tokens of teachers whose training is free as a word: a plan has the upper bound there."""
    found = {}
    for key in [each for each in document if _last(each) == "num_teacher_tokens"]:
        shares = document.get(key.replace("num_teacher_tokens", "shares.teacher"))
        paid, tokens = (np.array(each, dtype=object) for each in (shares, document[key]))
        if paid.shape == tokens.shape:
            free = (paid == 0.0) & (tokens != None)  # noqa: E711 - each
            found[key] = np.where(free, _FREE, tokens).tolist()
    return found


def _at_bounds(document: Mapping[str, Json]) -> list[str]:
    """The numbers of a plan that are at an end of their range."""
    notes = []
    for key in [each for each in document if each.startswith("active_bounds.")]:
        sides = np.ravel(np.array(document[key], dtype=float))
        ends = [end for end, is_on in _ENDS.items() if np.any(is_on(sides))]
        name = _last(key)
        notes += [
            f"On the {end} bound: {heading(name)}" for end in ends if document.get(name) != _FREE
        ]
    return notes


def _side_by_side(document: Mapping[str, Json], parts: list[str]) -> Table:
    """A column for each plan that an answer holds; a student is a model as others are."""
    if any(f"{part}.num_params" in document for part in parts):
        document = {key.replace(".num_student_", ".num_"): v for key, v in document.items()}
    keys = dict.fromkeys(WORDS)  # in this order; others come after them
    for part in parts:
        keys |= {key.removeprefix(f"{part}."): None for key in document if _part_of(key, [part])}
    rows = []
    for key in [each for each in keys if each not in SHARES]:
        cells = [document.get(f"{part}.{key}") for part in parts]
        texts = ["" if each is None else cell(key, each) for each in cells]
        if any(texts):
            rows.append([_title(key), *texts])
    return Table(["", *map(_last, parts)], rows)


def _part_of(key: str, parts: list[str]) -> bool:
    return any(key.startswith(f"{part}.") for part in parts)


def _part(key: str) -> str:
    return key.rpartition(".")[0]


def _last(key: str) -> str:
    return key.rpartition(".")[2]


def _title(key: str) -> str:
    """The heading of a number; that of a part of an answer names the part."""
    part = _last(_part(key))
    return heading(key) if part in ("", "shares") else f"{heading(key)} {_PARTS.get(part, part)}"
