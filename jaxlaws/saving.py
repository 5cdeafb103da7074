"""A law to JSON and back.

The file is `{"format": 1, "law": {"type": ..., "coefficients": {...}}}`. An array of coefficients
is a list, a batched law has lists in place of numbers, and a sub-law is an object of the same form.
Numbers that JSON lacks are written as "nan", "inf" or "-inf". The file of a fit has one more key,
`fit`.

A file may come from anyone: size, keys, domains of coefficients and lengths of lists are checked.

The type is the name of a class. A file is data: loading finds the class among those that the
program has already defined, and imports nothing.
"""

import dataclasses
import json
import os
import reprlib
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import get_type_hints

import jax
import numpy as np

from jaxlaws import laws
from jaxlaws.foundations.annotations import Array, Json, Tree
from jaxlaws.foundations.atomic_files import atomic_write
from jaxlaws.foundations.domain_checks import in_domain, of_shape
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.json_text import check_keys, read_json_file
from jaxlaws.foundations.law import FixedInputs, Law
from jaxlaws.pytree import LAW_CLASSES, declarations, element_shapes

FORMAT = 1


def numbers_to_json(value: Array) -> Json:
    """A number or an array of numbers as JSON, with "nan", "inf" and "-inf" as texts."""
    if np.ndim(value):
        return [numbers_to_json(item) for item in np.asarray(value)]
    number = float(value)
    return number if np.isfinite(number) else str(number)


def numbers_from_json(value: Json) -> Array:
    """Inverse of `numbers_to_json`: a float, or a NumPy float64 array.

    Raises:
        ValueError, TypeError: the value holds something else than numbers.
    """
    if isinstance(value, list):
        return np.array([numbers_from_json(item) for item in value], dtype=np.float64)
    if isinstance(value, str) and value not in ("nan", "inf", "-inf"):
        raise TypeError(f"expected a number, got {value[:50]!r}")
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError(f"expected a number, got {reprlib.repr(value)}")
    return float(value)


def law_class_name(law_type: type[object]) -> str:
    """The name of a law's class in a file.

    A law of the package has the name of its module ("chinchilla"), any other law the names of its
    module and class ("my_laws:MyLaw"). The module of a script that runs (`__main__`) has the name
    by which other programs import the script.
    """
    for name, known in laws.law_types().items():
        if known is law_type:
            return name
    return f"{_module_name(law_type)}:{law_type.__qualname__}"


def _module_name(law_type: type[object]) -> str:
    if law_type.__module__ != "__main__":
        return law_type.__module__
    script = sys.modules["__main__"]
    spec, file = getattr(script, "__spec__", None), getattr(script, "__file__", None)
    if spec is not None:
        return spec.name
    return Path(file).stem if file else "__main__"


def law_class(name: str, law_type: type[object] | None = None) -> type[Tree]:
    """The class that a name in a file stands for, among those that the program knows.

    Args:
        name: as `law_class_name` gives it.
        law_type: the class that the caller expects, from whatever module.

    Raises:
        DataError: the program knows no such class, or several; the message says the remedy.
    """
    class_name = name.rpartition(":")[2]
    if law_type is not None and law_type.__qualname__ == class_name:
        return law_type
    types = laws.law_types()
    if name in types:
        return types[name]
    return _own_class(name, [each for each in LAW_CLASSES if each.__qualname__ == class_name])


def _own_class(name: str, namesakes: list[type[object]]) -> type[Tree]:
    """The class that a name stands for, among known classes with the same class name."""
    # `__main__` only says that the class stood in a notebook or at a prompt: any module may hold
    # that class now.
    found = namesakes
    if not name.startswith("__main__:"):
        found = [each for each in namesakes if law_class_name(each) == name]
    # A class that a notebook or a reload defined anew replaces the older one.
    found = [each for each in found if _is_in_its_module(each)] or found
    if len(found) == 1:
        return found[0]
    remedies = "pass the class as law_type=, or its file on the command line as --law-module FILE"
    if found:
        raise DataError(
            f"the program knows {len(found)} laws that {name!r} may mean, from "
            f"{', '.join(sorted({each.__module__ for each in found}))}: {remedies}"
        )
    module = name.rpartition(":")[0]
    first = f"import the module {module!r} first, " if module not in ("", "__main__") else ""
    near = sorted({law_class_name(each) for each in namesakes})
    near = near or get_close_matches(name, laws.law_types(), n=1)
    similar = f". The program knows {', '.join(near)}, which may be another law" if near else ""
    raise DataError(
        f"unknown type of law {name!r}: neither jaxlaws nor the program has a law of this name. "
        f"A file never imports code. If the law is your own, {first}{remedies}{similar}"
    )


def _is_in_its_module(law_type: type[object]) -> bool:
    value: object = sys.modules.get(law_type.__module__)
    for name in law_type.__qualname__.split("."):
        value = getattr(value, name, None)
    return value is law_type


def law_to_json(law: Law) -> dict[str, Json]:
    """A law as a JSON object: the name of its class and its coefficients.

    Raises:
        TypeError: the law is not one that can be saved, or some of its inputs are fixed.
    """
    if isinstance(law, FixedInputs):
        raise TypeError(
            "a law with fixed inputs cannot be saved: save its attribute `law`, and fix the "
            "inputs again after loading"
        )
    if not dataclasses.is_dataclass(law):
        raise TypeError(f"expected a law, got {law!r}")
    coefficients = {}
    for field in dataclasses.fields(law):
        to_json = numbers_to_json if field.name in declarations(law) else law_to_json
        coefficients[field.name] = to_json(getattr(law, field.name))
    return {"type": law_class_name(type(law)), "coefficients": coefficients}


def law_from_json(document: Json, law_type: type[object] | None = None) -> Tree:
    """The law of a JSON object made by `law_to_json`.

    Args:
        document: the object.
        law_type: the class, where the program knows no class by the name in the object.

    Raises:
        DataError: the object does not describe a law; the message says what is wrong.
    """
    try:
        law = _law_from_json(document, law_type)
    except RecursionError:
        raise DataError("the lists of a coefficient are nested too deeply") from None
    leaves = zip(jax.tree.leaves(law), element_shapes(law), strict=True)
    shapes = {_batch_shape(np.shape(leaf), shape) for leaf, shape in leaves}
    # Beside coefficients of any length, which are lists, the others may be numbers.
    if len(shapes - {()} if getattr(law, "any_length", ()) else shapes) > 1:
        raise DataError(
            f"law {document['type']!r}: the coefficients are of different lengths, "
            f"{', '.join(map(str, sorted(shapes)))}"
        )
    return law


def _batch_shape(shape: tuple[int, ...], declared: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of a coefficient before its declared ones.

    Raises:
        DataError: the coefficient lacks the declared axes.
    """
    num_axes = len(shape) - len(declared)
    if num_axes < 0 or shape[num_axes:] != declared:
        raise DataError(f"a coefficient has the shape {shape}, its law declares {declared}")
    return shape[:num_axes]


def _law_from_json(document: Json, law_type: type[object] | None) -> Tree:
    if not isinstance(document, dict) or set(document) != {"type", "coefficients"}:
        raise DataError(
            'a law is written as {"type": ..., "coefficients": {...}}, without further keys'
        )
    name, given = document["type"], document["coefficients"]
    if not isinstance(name, str):
        raise DataError(f"unknown type of law {reprlib.repr(name)}: the type is a text")
    cls = law_class(name, law_type)
    expected = [field.name for field in dataclasses.fields(cls)]
    if not isinstance(given, dict) or set(given) != set(expected):
        got = reprlib.repr([*given] if isinstance(given, dict) else given)
        raise DataError(f"law {name!r} has coefficients {', '.join(expected)}, got {got}")
    numbers = declarations(cls)
    coefficients = {}
    for key in expected:
        try:
            if key in numbers:
                declared = numbers[key]
                value = of_shape(numbers_from_json(given[key]), declared.shape)
                coefficients[key] = in_domain(value, declared)
            else:  # a sub-law, whose class the field names
                coefficients[key] = _law_from_json(given[key], get_type_hints(cls)[key])
        except (TypeError, ValueError) as error:
            raise DataError(f"law {name!r}, coefficient {key!r}: {error}") from None
    return cls(**coefficients)


def write_json(path: str | os.PathLike[str], document: dict[str, Json]) -> None:
    """Write a JSON file atomically: a failure leaves the old file as it was."""
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, allow_nan=False)
        file.write("\n")


def read_json(path: str | os.PathLike[str]) -> dict[str, Json]:
    """The JSON object in the file of a law, with its format checked.

    Raises:
        DataError: the file holds no such object, or has another format.
        OSError: the file cannot be read.
    """
    try:
        document = read_json_file(path)
    except DataError as error:
        raise DataError(f"{error}. Expected the JSON file of a law") from None
    if not isinstance(document, dict) or "law" not in document:
        raise DataError(f"{path} is not the file of a law: it has no key 'law'")
    if document.get("format") != FORMAT:
        raise DataError(
            f"{path} has format {reprlib.repr(document.get('format'))}, this version reads {FORMAT}"
        )
    return dict(check_keys(str(path), document, ("format", "law"), ("fit",)))


def save(law: Law, path: str | os.PathLike[str]) -> None:
    """Save a law, batched or not, as JSON.

    >>> import tempfile, pathlib
    >>> from jaxlaws import presets
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "law.json"
    >>> save(presets.load("hoffmann2022"), path)
    >>> load(path).alpha
    0.34

    Raises:
        OSError: the file cannot be written; an older file is left as it was.
        TypeError: `law` is not a law that can be saved.
    """
    write_json(path, {"format": FORMAT, "law": law_to_json(law)})


def load(path: str | os.PathLike[str], law_type: type[object] | None = None) -> Tree:
    """Load a law from the file of a law or of a fit.

    A law that is not part of the package is found by the name of its class, once your program has
    defined or imported the class.

    Args:
        path: the file.
        law_type: the class, where the program does not know the class by the name in the file.

    Raises:
        DataError: the file holds no law, or a law of an unknown class; the message says the remedy.
        OSError: the file cannot be read.
    """
    document = read_json(path)
    try:
        return law_from_json(document["law"], law_type)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
