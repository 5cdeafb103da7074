"""Tables that the page sends: kept by content hash, with a guess of what each column holds."""

import dataclasses
import functools
import os
import threading
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fitting import Runs, read_table
from fitting.data.cell_values import has_numbers, is_missing, numbers_in
from fitting.data.preparation.header_units import header_unit
from fitting.data.preparation.usual_names import proposals
from fitting.data.runs import KINDS
from fitting.data.table_files import Table
from jaxlaws import laws
from jaxlaws.cli.explorer.laws import content_hash
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.law import Law
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.inputs import INPUTS, OUTCOME

MOST_BYTES = 20 * 2**20
MOST_COLUMNS = 2_000
_MOST_TABLES = 30  # kept in the memory of the server
_SAMPLE = 5
_LONGEST_CELL = 60  # characters that the page gets
_ROLES = {
    "num_params": "size",
    "num_tokens": "tokens",
    OUTCOME: "loss",
    "num_student_params": "student size",
    "num_student_tokens": "student tokens",
    "teacher_loss": "teacher loss",
    "num_unique_tokens": "distinct tokens",
    "flops": "compute",
}
_FACTORS = {1e3: "thousand", 1e6: "million", 1e9: "billion", 1e12: "trillion"}
# The laws that the page offers first.
_FIRST = ("chinchilla", "supervised", "distillation_limit")
_reading = threading.Lock()  # `warnings.catch_warnings` is not for several threads at once


@dataclasses.dataclass(frozen=True, eq=False)
class Upload:
    """A table of the user.

    Attributes:
        id: the hash of its content and name.
        name: the file name, as the user has it.
        path: where the server keeps the content.
        table: the cells.
    """

    id: str
    name: str
    path: Path
    table: Table

    def runs(
        self, columns: Mapping[str, str], law_type: type[Law] | None
    ) -> tuple[Runs, list[str]]:
        """The runs, and what reading them reports, a sentence each.

        Raises:
            DataError: the table cannot be read so; the message says the place and the remedy.
            ValueError: a role does not exist.
        """
        with _reading, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                runs = Runs.read(self.path, columns, law_type)
            except DataError as error:
                raise DataError(self._with_own_name(str(error))) from None
        return runs, [self._with_own_name(str(each.message)) for each in caught]

    def _with_own_name(self, text: str) -> str:
        return text.replace(str(self.path), self.name)

    def guesses(self) -> dict[str, str]:
        """The title of the column that probably holds each role."""
        found: dict[str, str] = {}
        order = [*KINDS["distilled"], OUTCOME, *KINDS["supervised"], "num_unique_tokens", "flops"]
        for role in order:
            proposed = proposals(role, self.table.columns, set(found.values()))
            if proposed:
                found[role] = proposed[0]
        return found

    def columns_to_read(self) -> dict[str, str]:
        """The guesses without the compute, which is not an input beside size and tokens."""
        return {role: title for role, title in self.guesses().items() if role != "flops"}

    def to_json(self) -> dict[str, Json]:
        """The table as the page receives it."""
        guesses = self.guesses()
        role_of = {title: role for role, title in guesses.items()}
        problems, error = [], None
        if any(set(law["inputs"]) <= {*guesses} for law in _laws()):
            try:
                _, problems = self.runs(self.columns_to_read(), None)
            except (DataError, ValueError, TypeError) as reason:
                error = str(reason)
        return {
            "table": self.id,
            "name": self.name,
            "rows": len(self.table.rows),
            "columns": [
                {
                    "name": title,
                    "guess": role_of.get(title),
                    "factor": _factor(title),
                    "plausible": _in_words(cells, header_unit(title)[1]),
                    "sample": [_text(cell) for cell in cells[:_SAMPLE]],
                }
                for title, cells in self.table.columns.items()
            ],
            "roles": [
                {"value": role, "label": label, "unit": _unit(role)}
                for role, label in _ROLES.items()
            ],
            "problems": problems,
            "error": error,
            "laws": _laws(),
        }


@functools.cache
def _laws() -> list[dict[str, Json]]:
    """The laws that can be fitted with the roles that they need, the usual ones first."""
    kinds = {
        name: [*kind.input_names, OUTCOME]
        for name, kind in laws.law_types().items()
        if set(kind.input_names) <= set(_ROLES)
    }
    return [
        {"value": name, "label": _label(name), "inputs": kinds[name]}
        for name in sorted(kinds, key=lambda name: (name not in _FIRST, name))
    ]


def _label(name: str) -> str:
    """What a law is, in the first line of its module."""
    return (laws.modules()[name].__doc__ or "").strip().partition("\n")[0]


def _unit(role: str) -> str:
    return "nats per token" if role == OUTCOME else INPUTS[role].unit if role in INPUTS else ""


def _factor(title: str) -> str:
    """What the numbers of a column are multiplied by, as its title says."""
    factor = header_unit(title)[1]
    return "" if factor == 1.0 else _FACTORS.get(factor, f"{factor:g} times")


def _text(cell: object) -> str:
    text = "" if is_missing(cell) else str(cell)
    return text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…"


def _in_words(cells: Sequence[object], factor: float) -> str:
    """What a column holds."""
    filled = [cell for cell in cells if not is_missing(cell)]
    missing = len(cells) - len(filled)
    empty = f"; {missing} of {len(cells)} cells are empty" if missing else ""
    if not has_numbers(filled):
        return f"text{empty}" if filled else "empty"
    numbers = numbers_in(filled)
    numbers = factor * numbers[np.isfinite(numbers)]
    ends = " to ".join(format_quantity(float(each)) for each in (numbers.min(), numbers.max()))
    different = len(np.unique(numbers))
    if different == 1:
        return f"{format_quantity(float(numbers[0]))} in all rows{empty}"
    return f"{ends}, {different} values{empty}"


class Uploads:
    """The tables that the server keeps, the latest ones.

    Args:
        folder: where their files are written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tables: dict[str, Upload] = {}
        self._changing = threading.Lock()

    def add(self, name: str, content: bytes) -> Upload:
        """Keep a table.

        Args:
            name: the file name; only its suffix decides how the content is read.
            content: the bytes of the file.

        Raises:
            DataError: it is not a table, has too many columns, or has a header that cannot be read.
        """
        name = Path(name or "table.csv").name[-100:] or "table.csv"
        suffixes = "".join(Path(name).suffixes[-2:]) if name.endswith(".gz") else Path(name).suffix
        if not all(each.isalnum() or each == "." for each in suffixes):
            suffixes = ".csv"
        key = content_hash(name.encode() + b"\0" + content)
        if key in self._tables:
            return self._tables[key]
        path = self._folder / (key + suffixes.lower())
        path.write_bytes(content)
        try:
            table = read_table(path)
        except (DataError, UnicodeError) as error:
            path.unlink()
            raise DataError(str(error).replace(str(path), name)) from None
        if len(table.columns) > MOST_COLUMNS:
            path.unlink()
            raise DataError(
                f"{name} has {len(table.columns):,} columns, more than {MOST_COLUMNS:,}: keep the "
                "columns with size, tokens and loss"
            )
        upload = Upload(key, name, path, table)
        with self._changing:
            self._tables[key] = upload
            while len(self._tables) > _MOST_TABLES:
                oldest = self._tables.pop(next(iter(self._tables)))
                oldest.path.unlink(missing_ok=True)
        return upload

    def add_file(self, path: str | os.PathLike[str]) -> Upload:
        """Keep the table of a file of this machine."""
        return self.add(Path(path).name, Path(path).read_bytes())

    def __getitem__(self, key: str) -> Upload:
        if key not in self._tables:
            raise ValueError(f"table: {key[:50]!r} is not known to this server; upload it again")
        return self._tables[key]
