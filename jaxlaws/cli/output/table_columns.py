"""Answers as JSON and as columns of a table."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def known(numbers: Any) -> Any:
    """An array as a number or a list, None where it is not finite."""
    array = np.asarray(numbers)
    return np.where(np.isfinite(array), array.astype(object), np.array(None)).tolist()


def plain_inputs(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs as numbers and lists."""
    return {name: np.asarray(value).tolist() for name, value in asked.items()}


def flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested keys joined by dots."""
    joined: dict[str, Any] = {}
    for key, value in document.items():
        name = f"{prefix}{key}"
        joined |= flat(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return joined


def columns(document: Mapping[str, Any], length: int) -> dict[str, list[Any]]:
    """A document as columns of one length, what is the same for all rows repeated."""
    return {
        name: value if isinstance(value, list) else [value] * length
        for name, value in flat(document).items()
    }


def shown_rows(length: int, most: int = 24) -> list[int]:
    """Rows of a long table to show: all, or some evenly spaced, first and last among them.

    Of a table little longer than that all are shown.
    """
    count = length if length <= 1.5 * most else most
    return sorted({round(row) for row in np.linspace(0, length - 1, count).tolist()})


def rows_left_out(shown: int, length: int, what: str = "plans") -> str:
    """A word below a long table on rows that are not shown; empty where all are.

    >>> rows_left_out(len(shown_rows(1000)), 1000)
    '24 of 1000 plans are shown; -o writes all.'
    >>> rows_left_out(len(shown_rows(25)), 25)
    ''
    """
    return f"{shown} of {length} {what} are shown; -o writes all." if shown < length else ""
