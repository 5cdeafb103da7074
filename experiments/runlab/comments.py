"""English out of C sources: the block comments that read as prose.

A document is a source file: its comments, in order. Code, licence headers and tables do not
read as English and are left out, and so is a comment that has been met before.
"""

import re
from collections.abc import Iterable, Iterator

C_SUFFIXES = (".c", ".h", ".S")
MIN_WORDS = 12
MIN_LETTERS = 0.85

_BLOCK = re.compile(rb"/\*(.*?)\*/", re.DOTALL)
_MARGIN = re.compile(r"^[ \t]*\*+[ \t]?", re.MULTILINE)
_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)
_LICENCE = re.compile(
    r"copyright|spdx-license|general public licen[sc]e|licensed under|redistribut"
    r"|permission is hereby granted|without (any )?warranty|as is\b.*warrant|all rights reserved",
    re.IGNORECASE | re.DOTALL,
)


def prose(comment: bytes) -> str | None:
    """The text of one comment, or None where it is not English prose."""
    text = comment.decode("ascii", errors="ignore").replace("\r", "").replace("\0", "")
    text = _TRAILING.sub("", _MARGIN.sub("", text)).strip()
    if len(text.split()) < MIN_WORDS or _LICENCE.search(text):
        return None
    visible = [character for character in text if not character.isspace()]
    letters = sum(character.isalpha() for character in visible)
    return text if letters >= MIN_LETTERS * len(visible) else None


def documents_of_comments(files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, str]]:
    """One document a source file; a comment stands only where it was met first.

    Args:
        files: pairs of a name and the bytes of the file, in an order that does not change,
            because it decides which of two equal comments is the first.
    """
    seen: set[str] = set()
    for name, content in files:
        kept = []
        for match in _BLOCK.finditer(content):
            text = prose(match.group(1))
            if text is None:
                continue
            words = " ".join(text.split())
            if words not in seen:
                seen.add(words)
                kept.append(text)
        if kept:
            yield name, "\n\n".join(kept)
