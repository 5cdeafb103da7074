"""The laws that the views show: presets, laws from files, and laws fitted on the page."""

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import jax
import numpy as np

from jaxlaws import presets
from jaxlaws.cli.explorer.controls import Choice, Option
from jaxlaws.cli.options.law_source import Source
from jaxlaws.foundations.annotations import Tree
from jaxlaws.planning import distillation_law, supervised_law

if TYPE_CHECKING:
    from fitting import Runs

DEFAULT_LAW = "busbridge2025_refit"
_PRINTED = "busbridge2025"
_WHICH_DEFAULT = (
    f"The law shown at first is {DEFAULT_LAW}, the recommended refit of Busbridge et al. 2025, not "
    "their printed coefficients, which do not fit the paper's own figure."
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShownLaw:
    """A law that views can show.

    Attributes:
        value: its value in the query string: the name of a preset, or a kind and a content hash.
        label: what the user reads.
        help: a sentence about the law.
        source: the law with what is known of its fit.
        file: what the code of a view loads: the name of a preset, or of a file.
        runs: the runs that the law was fitted to, where they are at hand.
    """

    value: str
    label: str
    help: str
    source: Source
    file: str
    runs: "Runs | None" = None

    @property
    def loading(self) -> str:
        """Python text that loads the law."""
        if self.file in presets.names():
            return f'presets.load("{self.file}")'
        return f"saving.load({self.file!r})"

    @property
    def loading_draws(self) -> str:
        """Python text that loads the draws of the law."""
        if self.file in presets.names():
            return f'presets.ensemble("{self.file}")'
        return f"FitResult.load({self.file!r}).usable_ensemble()"

    def draws(self, most: int, num_axes: int) -> Tree:
        """The first draws of the law, with axes after that of the draws; None without draws."""
        ensemble = self.source.with_draws(most).ensemble
        added = tuple(range(1, 1 + num_axes))
        return jax.tree.map(lambda leaf: np.expand_dims(np.asarray(leaf), added), ensemble)

    def supervised(self) -> "ShownLaw":
        """The same with the supervised law of a distillation law."""
        return dataclasses.replace(self, source=self.source.for_supervised_runs())


class Laws:
    """All laws that the page can show. Laws are added and never changed.

    Attributes:
        runs: the table that the server was started with, if any.
    """

    def __init__(self, own: ShownLaw | None = None, runs: "Runs | None" = None) -> None:
        self.runs = runs
        self._added: dict[str, ShownLaw] = {} if own is None else {own.value: own}
        self._presets: dict[str, ShownLaw] = {}
        for name in presets.names():
            described = presets.describe(name)
            self._presets[name] = ShownLaw(
                value=name,
                label=_label(name),
                help=f"{described.source}. {described.warning} {described.note}".strip(),
                source=Source(name),
                file=name,
            )

    def add(self, law: ShownLaw) -> None:
        """Make a law available to all views."""
        self._added.setdefault(law.value, law)

    def __getitem__(self, value: str) -> ShownLaw:
        return self._added.get(value) or self._presets[value]

    def choice(self, suits: Callable[[Tree], Tree]) -> Choice:
        """The control that chooses among the laws that suit a view.

        Args:
            suits: raises TypeError for a law that does not suit.
        """
        # A copy, because a job may add a law while this runs.
        found = [
            law for law in (*list(self._added.values()), *self._presets.values()) if _is(law, suits)
        ]
        values = [law.value for law in found]
        own = [value for value in self._added if value in values]
        return Choice(
            name="law",
            label="Law",
            help=f"The scaling law that predicts the losses. {_WHICH_DEFAULT}",
            default=own[0] if own else DEFAULT_LAW,
            options=[Option(value=law.value, label=law.label, help=law.help) for law in found],
        )


def which_law(value: str) -> list[str]:
    """What the reader of a picture must know of its law."""
    if value == _PRINTED:
        return [
            f"{_PRINTED} has the coefficients as printed, which do not fit the paper's own figure: "
            f"choose {DEFAULT_LAW} for decisions."
        ]
    if value == DEFAULT_LAW:
        return [f"Shown with {DEFAULT_LAW}, the recommended refit of Busbridge et al. 2025."]
    return []


def _label(name: str) -> str:
    mark = presets.describe(name).mark.value
    return name if mark != "placeholder" else f"{name} (not fitted)"


def _is(law: ShownLaw, suits: Callable[[Tree], Tree]) -> bool:
    try:
        suits(law.source.law)
    except TypeError:
        return False
    return True


def with_supervised_law(laws: Laws) -> Choice:
    """The laws of size and tokens, and the distillation laws, which contain one."""
    return laws.choice(supervised_law)


def with_distillation_law(laws: Laws) -> Choice:
    """The distillation laws."""
    return laws.choice(distillation_law)


def from_file(path: str) -> ShownLaw:
    """The law of a file, for `--law`; the name of a preset is allowed too."""
    source = Source(path)
    return ShownLaw(
        value=path if path in presets.names() else f"file:{content_hash(Path(path).read_bytes())}",
        label=path.rpartition("/")[2],
        help=f"The law of {path}.",
        source=source,
        file=path,
    )


def content_hash(content: bytes) -> str:
    """A short name for a content."""
    return hashlib.sha256(content).hexdigest()[:16]
