"""The entries of `glossary.md`, the one place that defines the terms of the project."""

import functools
import re
from difflib import get_close_matches
from importlib import resources
from typing import NamedTuple

_MARKS = re.compile(r"\*\*(.+?)\*\*(?=:)|`(.*?)`")  # bold terms, and code
_TITLE = "Glossary"


class Entry(NamedTuple):
    """A term and its meaning.

    Attributes:
        terms: the words that the entry defines.
        section: the heading above the entry.
        text: the entry as plain text.
    """

    terms: tuple[str, ...]
    section: str
    text: str


def entries_of(term: str) -> list[Entry]:
    """The entries of a term, a status or a scenario; capitals, hyphens and a plural do not count.

    Where no entry has the term, those whose terms contain the word: "served" of "served tokens".

    >>> [entry.section for entry in entries_of("flat-direction")]
    ['Status of a fit']
    >>> entries_of("draw")[0].text
    'Draw: the law fitted to one resampled table of the bootstrap.'

    Raises:
        ValueError: the glossary has no such term; the message names similar ones.
    """
    key = _key(term)
    exact = [entry for entry in _entries() if key in map(_key, entry.terms)]
    containing = [entry for entry in _entries() if key in map(_key, " ".join(entry.terms).split())]
    if exact or containing:
        return exact or containing
    known = {_key(word): word for entry in _entries() for word in entry.terms}
    close = [known[each] for each in get_close_matches(key, known, n=3)]
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    raise ValueError(f"the glossary has no term {term!r}; {hint}`jaxlaws explain` lists all terms")


def terms() -> dict[str, list[str]]:
    """All terms, by the heading above their entry."""
    found: dict[str, list[str]] = {}
    for entry in _entries():
        found.setdefault(entry.section, []).extend(entry.terms)
    return found


def _key(term: str) -> str:
    return re.sub(r"[\s_-]+", " ", term.strip().lower()).removesuffix("s")


@functools.cache
def _entries() -> tuple[Entry, ...]:
    text = (
        resources.files("jaxlaws.foundations.text")
        .joinpath("glossary.md")
        .read_text(encoding="utf-8")
    )
    entries, section = [], ""
    for block in text.split("\n\n"):
        lines = block.splitlines()
        if block.startswith("#"):
            section = block.lstrip("#").strip()
        elif block.startswith("|"):
            heads, _, *rows = [_cells(line) for line in lines]
            entries += [_of_row(heads, row, section) for row in rows]
        else:
            entries += _of_paragraph(" ".join(lines), section)
    return tuple(entries)


def _cells(line: str) -> list[str]:
    return [_plain(cell).strip() for cell in line.strip("|").split("|")]


def _plain(text: str) -> str:
    """Markdown without its marks; `N**alpha` in code keeps its stars."""
    return _MARKS.sub(lambda match: match[1] or match[2], text)


def _of_row(heads: list[str], row: list[str], section: str) -> Entry:
    """An entry of a table: the first column is the term, and a name in Python is one too."""
    names = [row[0], *(row[i] for i, head in enumerate(heads) if head == "name in Python")]
    pairs = zip(heads[1:], row[1:], strict=True)
    rest = [each if head == "meaning" else f"{head}: {each}" for head, each in pairs]
    return Entry(tuple(names), section, f"{row[0]}: {'; '.join(rest)}.")


def _of_paragraph(text: str, section: str) -> list[Entry]:
    """The entries of a paragraph; each begins with its terms in bold type before a colon."""
    starts = [found.start() for found in re.finditer(r"\*\*[^*]+\*\*:", text)]
    parts = [text[begin:end] for begin, end in zip(starts, [*starts[1:], None], strict=False)]
    entries = []
    for part in parts:
        terms = part[2 : part.index("**:")].split(", ")
        entries.append(Entry(tuple(terms), section, _plain(part).strip()))
    if not parts and section != _TITLE:  # a paragraph about what the section is named after
        terms = dict.fromkeys((section.partition(" of ")[0], section))
        entries.append(Entry(tuple(terms), section, _plain(text)))
    return entries
