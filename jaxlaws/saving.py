"""A law to JSON and back.

The file is `{"format": 1, "law": {"type": ..., "coefficients": {...}}}`; a batched law has lists
in place of numbers, a sub-law is such an object again. A number that JSON lacks is written as
"nan", "inf" or "-inf". Further keys are passed over: the file of a fit is a law's file with more.
"""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from jaxlaws import laws
from jaxlaws.foundations.atomic_files import atomic_write
from jaxlaws.foundations.errors import DataError
from jaxlaws.pytree import declarations

FORMAT = 1


def numbers_to_json(value: Any) -> Any:
    """A number or an array of them as JSON, with "nan", "inf" and "-inf" for what it lacks."""
    if np.ndim(value):
        return [numbers_to_json(item) for item in np.asarray(value)]
    number = float(value)
    return number if np.isfinite(number) else str(number)


def numbers_from_json(value: Any) -> Any:
    """Inverse of `numbers_to_json`: a float, or a NumPy float64 array.

    Raises:
        ValueError, TypeError: it holds something else than numbers.
    """
    if isinstance(value, list):
        return np.array([numbers_from_json(item) for item in value], dtype=np.float64)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError(f"expected a number, got {value!r}")
    return float(value)


def _type_name(law_type: type[Any]) -> str:
    known = {found: name for name, found in laws.law_types().items()}
    return known.get(law_type, law_type.__qualname__)


def law_to_json(law: Any) -> dict[str, Any]:
    """A law as a JSON object: its type's name and its coefficients."""
    coefficients = {}
    for field in dataclasses.fields(law):
        to_json = numbers_to_json if field.name in declarations(law) else law_to_json
        coefficients[field.name] = to_json(getattr(law, field.name))
    return {"type": _type_name(type(law)), "coefficients": coefficients}


def law_from_json(document: Any, law_type: type[Any] | None = None) -> Any:
    """The law of a JSON object made by `law_to_json`.

    Args:
        document: the object.
        law_type: the class, for a law of one's own, which the package cannot find by name.

    Raises:
        DataError: the object is no such law; the message says what is wrong.
    """
    if not isinstance(document, dict) or not {"type", "coefficients"} <= set(document):
        raise DataError('a law is written as {"type": ..., "coefficients": {...}}')
    name, given = document["type"], document["coefficients"]
    types = laws.law_types() | ({law_type.__qualname__: law_type} if law_type else {})
    if name not in list(types):  # a list: what was read may not be hashable
        raise DataError(
            f"unknown type of law {name!r}; known are {', '.join(types)} (a law of your own: "
            "pass law_type=)"
        )
    expected = [field.name for field in dataclasses.fields(types[name])]
    if not isinstance(given, dict) or set(given) != set(expected):
        got = ", ".join(given) if isinstance(given, dict) else repr(given)
        raise DataError(f"law {name!r} has coefficients {', '.join(expected)}, got {got}")
    coefficients = {}
    for key in expected:
        try:
            is_number = key in declarations(types[name])
            coefficients[key] = (numbers_from_json if is_number else law_from_json)(given[key])
        except (TypeError, ValueError) as error:
            raise DataError(f"law {name!r}, coefficient {key!r}: {error}") from None
    return types[name](**coefficients)


def write_json(path: str | os.PathLike[str], document: dict[str, Any]) -> None:
    """Write a JSON file beside its place and move it there: a failure leaves the old one."""
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, allow_nan=False)
        file.write("\n")


def read_json(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The JSON object of a law's file, its format checked.

    Raises:
        DataError: the file is no such object, or of a newer format.
        OSError: it cannot be read.
    """
    try:
        document = json.loads(Path(path).read_bytes())
    except ValueError as error:
        raise DataError(f"{path} is not the JSON file of a law: {error}") from None
    if not isinstance(document, dict) or "law" not in document:
        raise DataError(f"{path} is not the file of a law: it has no key 'law'")
    if document.get("format") != FORMAT:
        raise DataError(
            f"{path} has format {document.get('format')!r}, this version reads {FORMAT}"
        )
    return document


def save(law: Any, path: str | os.PathLike[str]) -> None:
    """Save a law, batched or not, as JSON.

    >>> import tempfile, pathlib
    >>> from jaxlaws import presets
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "law.json"
    >>> save(presets.load("hoffmann2022"), path)
    >>> load(path).alpha
    0.34

    Raises:
        OSError: the file cannot be written; an older one is left as it was.
    """
    write_json(path, {"format": FORMAT, "law": law_to_json(law)})


def load(path: str | os.PathLike[str], law_type: type[Any] | None = None) -> Any:
    """Load a law from the file of a law or of a fit.

    Args:
        path: the file.
        law_type: the class, for a law of one's own, which the package cannot find by name.

    Raises:
        DataError: the file holds no law; the message says what is wrong.
        OSError: it cannot be read.
    """
    document = read_json(path)
    try:
        return law_from_json(document["law"], law_type)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
