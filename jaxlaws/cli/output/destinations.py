"""Whether a command may write a file: decided in one place, before any work.

A command never writes to one of its inputs, whatever name leads there. It replaces an existing
file of another kind, such as a table where it writes a picture, only with `--force`.
"""

import importlib.util
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, TypeAlias

Content: TypeAlias = Literal[
    "table",
    "parquet",
    "png",
    "svg",
    "pdf",
    "html",
    "markdown",
    "law",
    "demo",
    "json",
    "archive",
    "other",
]
Suffixes: TypeAlias = Mapping[str, Content]

TABLES: Suffixes = {".csv": "table", ".parquet": "parquet"}
PICTURES: Suffixes = {".png": "png", ".svg": "svg", ".pdf": "pdf"}
LAWS: Suffixes = {".json": "law"}
PAGES: Suffixes = {".html": "html", ".htm": "html"}
REPORTS: Suffixes = {**PAGES, ".md": "markdown"}
DEMO_TITLE = "# The laws of the bundled runs"

_WORDS: dict[Content, str] = {
    "table": "a table",
    "parquet": "a Parquet table",
    "png": "a PNG picture",
    "svg": "an SVG picture",
    "pdf": "a PDF file",
    "html": "an HTML page",
    "markdown": "a report in Markdown",
    "law": "a saved law or fit",
    "demo": "a report of the demo",
    "json": "JSON other than a saved law or fit",
    "archive": "a compressed file",
    "other": "a file that this command does not write",
}
_STARTS: dict[bytes, Content] = {
    b"\x89PNG": "png",
    b"%PDF": "pdf",
    b"PAR1": "parquet",
    b"\x1f\x8b": "archive",
    b"PK\x03\x04": "archive",
    DEMO_TITLE.encode(): "demo",
}
_SNIFFED_BYTES = 4096


def is_picture(path: str | None) -> bool:
    """Whether a path names a picture."""
    return path is not None and Path(path).suffix in PICTURES


def check_suffix(path: str, suffixes: Suffixes, *, folders: bool = False) -> None:
    """Check that a file of this name can be written; `folders`: a folder could be named instead.

    Raises:
        ValueError: the suffix is not among those given.
        ModuleNotFoundError: the path names a Parquet file, and pyarrow is not installed.
    """
    suffix = Path(path).suffix
    if suffix not in suffixes:
        pictures = "a picture .png, .svg or .pdf"
        tables = " or ".join(each for each in TABLES if each in suffixes)
        names = f"a table {tables}, or {pictures}" if tables else pictures
        folder = ", or, for a data set, of a folder, with / at the end" if folders else ""
        raise ValueError(f"cannot write {path!r}: give the name of {names}{folder}")
    if suffix == ".parquet":
        _check_pyarrow()


def is_data_set(path: str | None) -> bool:
    """Whether a path names a folder for a data set: it ends with /, or is one without a suffix."""
    if path is None:
        return False
    return path.endswith(("/", os.sep)) or (not Path(path).suffix and Path(path).is_dir())


def check_data_set(path: str) -> None:
    """Check that a data set can be written to a folder.

    Raises:
        ModuleNotFoundError: pyarrow is not installed.
        OSError: the path is not that of a folder, or the folder cannot be made or written to.
    """
    _check_pyarrow()
    folder = Path(path).resolve()
    if folder.exists() and not folder.is_dir():
        raise OSError(f"cannot write {path!r}: it exists and is not a folder")
    check_folder(folder if folder.exists() else folder.parent, path)


def _check_pyarrow() -> None:
    if importlib.util.find_spec("pyarrow") is None:
        raise ModuleNotFoundError(
            "writing Parquet needs pyarrow: pip install 'jaxlaws[parquet]', or write a file .csv"
        )


def check_destination(
    path: str, suffixes: Suffixes, inputs: Iterable[str], *, force: bool = False
) -> None:
    """Check that a command may write a file.

    Args:
        path: the file to write.
        suffixes: the suffixes of the files that the command writes, and what such a file contains.
        inputs: the files that the command reads.
        force: whether an existing file of another kind may be replaced.

    Raises:
        ValueError: the path leads to an input, or to a file of another kind.
        OSError: the path is not that of a file, or its folder does not exist or cannot be written
            to.
    """
    target = Path(path).resolve()  # a symbolic link leads to its target
    if target.exists():
        for name in inputs:
            if Path(name).exists() and target.samefile(name):
                also = "" if name == path else f", which is the same file as {path!r}"
                raise ValueError(
                    f"cannot write {path!r}: the command reads {name!r}{also}. Give another name"
                )
        if not target.is_file():
            raise OSError(f"cannot write {path!r}: it exists and is not a file")
    check_folder(target.parent, path)
    if not target.is_file() or force:
        return
    if not target.stat().st_mode & 0o222:
        raise OSError(f"cannot write {path!r}: the file is read-only. --force replaces it")
    found = _content(target)
    suffix = Path(path).suffix.lower()
    kinds: Suffixes = {suffix: suffixes[suffix]} if suffix in suffixes else suffixes
    expected = set(kinds.values())
    # Our reports are recognised; other Markdown may be somebody's notes.
    unclear = found is None and suffix in suffixes and not expected & {"demo", "markdown"}
    if found in expected or unclear or target.stat().st_size == 0:
        return
    what = _WORDS["other" if found is None else found]
    writes = " or ".join(_WORDS[each] for each in _WORDS if each in expected)
    raise ValueError(
        f"cannot write {path!r}: the file exists and is {what}, but the command writes {writes}. "
        "Give another name, or --force to replace the file"
    )


def check_folder(folder: Path, path: str) -> None:
    """Check that a file can be made in a folder, by making one.

    Raises:
        OSError: the folder does not exist, or cannot be written to.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"cannot write {path!r}: there is no folder {folder}")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise PermissionError(
            f"cannot write {path!r}: the folder {folder} cannot be written to "
            f"({os.strerror(error.errno or 0)})"
        ) from None


def _content(path: Path) -> Content | None:
    """What the first bytes of a file show, or None where they show nothing in particular."""
    with path.open("rb") as file:
        head = file.read(_SNIFFED_BYTES)
    for start, content in _STARTS.items():
        if head.startswith(start):
            return content
    if b"\0" in head:
        return "other"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "html"
    if text.startswith((b"<?xml", b"<svg")):
        return "svg" if b"<svg" in text else "other"
    if text.startswith((b"{", b"[")):
        return "law" if b'"format"' in text and b'"law"' in text else "json"
    if b"\n## the answer\n" in text:
        return "markdown"
    lines = text.splitlines()
    separated = len(lines) > 1 and any(
        all(sign in line for line in lines[:2]) for sign in (b",", b";", b"\t")
    )
    return "table" if separated else None
