"""The mark of plans whose search failed: a question mark, in every table."""

from collections.abc import Mapping, Sequence

import numpy as np

from jaxlaws.foundations.annotations import Array, Json
from jaxlaws.foundations.text.cells import cell
from jaxlaws.planning import Status, is_solved, search_failed

NOTE = "With a question mark: not solved. A better plan may exist, so do not rely on it."
_SOLVED = [status.name for status in Status if is_solved(status)]
_FAILED = [status.name for status in Status if search_failed(status)]
_MARKED = ("loss", "student_losses", "better")


def failed(status: Json) -> Array:
    """Whether searches failed, from the names of their statuses in a document."""
    return np.isin(np.array(status, dtype=object), _FAILED)


def questioned(name: str, value: Json, unsure: Array) -> Json:
    """A value, or a list, with each unsure value as a cell with a question mark.

    Args:
        name: of the value in the document.
        value: a value, or a list; lists in it belong to one entry of `unsure` if that has fewer
            axes.
        unsure: a boolean, or booleans along the first axes of the list.

    >>> questioned("loss", [2.5, 2.25], np.array([False, True]))
    [2.5, '2.2500?']
    """
    if isinstance(value, list):
        flags = unsure if np.ndim(unsure) else [unsure] * len(value)
        return [questioned(name, each, flag) for each, flag in zip(value, flags, strict=True)]
    return f"{cell(name, value)}?" if np.any(unsure) else value


def with_question_marks(values: Mapping[str, Json]) -> dict[str, Json]:
    """A flat document whose losses have a question mark where the search for their plan failed.

    >>> with_question_marks({"loss": 2.5, "status": "NOT_CONVERGED"})["loss"]
    '2.5000?'
    """
    shown = dict(values)
    for key in _statuses(values):
        unsure, prefix = failed(values[key]), key.removesuffix("status")
        for name in _MARKED:
            if f"{prefix}{name}" in values and unsure.any():
                shown[f"{prefix}{name}"] = questioned(name, values[f"{prefix}{name}"], unsure)
    return shown


def without_good_statuses(values: Mapping[str, Json]) -> dict[str, Json]:
    """A flat document without the statuses of plans that are all solutions.

    >>> without_good_statuses({"a.status": "ON_BOUND", "status": ["CONVERGED", "INFEASIBLE"]})
    {'status': ['CONVERGED', 'INFEASIBLE']}
    """
    good = [key for key in _statuses(values) if np.isin(np.array(values[key]), _SOLVED).all()]
    return {key: value for key, value in values.items() if key not in good}


def any_failed(values: Mapping[str, Json]) -> bool:
    """Whether the search for a plan of a flat document failed."""
    return any(failed(values[key]).any() for key in _statuses(values))


def _statuses(values: Mapping[str, Json]) -> Sequence[str]:
    return [key for key in values if key.rpartition(".")[2] == "status"]
