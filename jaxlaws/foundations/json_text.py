"""Read JSON that may come from anyone: limited in size, and without surprises in its numbers."""

import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.errors import DataError

# A fit with 50,000 draws of ten coefficients takes about 15 MiB. In memory, values and above all
# lists and objects take many times the bytes of their text, so their numbers are limited too.
MOST_BYTES = 16 * 2**20
_MOST_VALUES = 2_000_000
_MOST_CONTAINERS = 500_000
_MOST_DIGITS = 18  # an integer of more digits becomes a float: its digits may be thousands


def read_json_file(path: str | os.PathLike[str]) -> Json:
    """The JSON value in a file.

    Raises:
        DataError: the file is not JSON, or is too large.
        OSError: the file cannot be read.
    """
    with Path(path).open("rb") as file:
        text = file.read(MOST_BYTES + 1)
    try:
        return parse_json(text)
    except ValueError as error:
        raise DataError(f"{path} is not JSON that can be read: {error}") from None


def parse_json(text: bytes, *, with_nan: bool = False) -> Json:
    """The value that a JSON text describes.

    An integer of more than 18 digits becomes a float. `NaN` and `Infinity` are not JSON, but many
    programs write them.

    Args:
        text: in UTF-8, UTF-16 or UTF-32.
        with_nan: read `NaN` and `Infinity` as floats.

    Raises:
        ValueError: the text is not JSON, repeats a key, is nested too deeply, or is too large.
    """
    if len(text) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES // 2**20} MiB")
    if text.count(b"[") + text.count(b"{") > _MOST_CONTAINERS:
        raise ValueError(f"it has more than {_MOST_CONTAINERS:,} lists and objects")
    if text.count(b",") > _MOST_VALUES:
        raise ValueError(f"it has more than {_MOST_VALUES:,} values")
    try:
        return json.loads(
            text,
            parse_int=_integer,
            parse_constant=float if with_nan else _not_json,
            object_pairs_hook=_without_repeated_keys,
        )
    except RecursionError:
        raise ValueError("its lists and objects are nested too deeply") from None


def check_keys(
    what: str, document: Json, required: Iterable[str], optional: Iterable[str] = ()
) -> Mapping[str, Json]:
    """The same JSON value, if it is an object with these keys and no others.

    Raises:
        DataError: it is not an object, lacks a key, or has an unknown key.
    """
    required = tuple(required)
    known = (*required, *optional)
    if not isinstance(document, dict):
        raise DataError(f"{what}: expected an object with the keys {', '.join(required)}")
    missing = [repr(name) for name in required if name not in document]
    if missing:
        raise DataError(f"{what}: the key {', '.join(missing)} is missing")
    unknown = [repr(name)[:50] for name in document if name not in known]
    if unknown:
        raise DataError(
            f"{what}: unknown key {', '.join(unknown[:5])}; the keys are {', '.join(known)}"
        )
    return document


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= _MOST_DIGITS else float(text)


def _not_json(text: str) -> float:
    raise ValueError(f"{text} is not a number of JSON")


def _without_repeated_keys(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        repeated = next(name for name, count in counts.items() if count > 1)
        raise ValueError(f"the key {repeated[:50]!r} is repeated")
    return found


def is_finite_number(value: Json) -> bool:
    """Whether a JSON value is a finite number."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and math.isfinite(value)
