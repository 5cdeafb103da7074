"""English text from C sources: the block comments that are prose.

A document has the comments of one source file, in order. Code, licence headers and tables are left
out, because they are not English prose. Repeated comments are left out too.
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
    """Return the text of one comment, or None if it is not English prose."""
    text = comment.decode("ascii", errors="ignore").replace("\r", "").replace("\0", "")
    text = _TRAILING.sub("", _MARGIN.sub("", text)).strip()
    if len(text.split()) < MIN_WORDS or _LICENCE.search(text):
        return None
    visible = [character for character in text if not character.isspace()]
    letters = sum(character.isalpha() for character in visible)
    return text if letters >= MIN_LETTERS * len(visible) else None


def documents_of_comments(files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of one document per source file.

    Of equal comments only the first is kept.

    Args:
        files: pairs of a name and the bytes of the file. Their order must always be the same,
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
