"""Parts of messages: the nearest names, and options that work when they are copied."""

import shlex
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

_MOST_NAMED = 12


def where_option(title: str, value: str | float) -> str:
    """The option that reads the rows with a value in a column.

    >>> print(where_option("State", "finished"), where_option("data/set", 2.0))
    --where 'State == "finished"' --where '`data/set` == 2'
    """
    column = title if title.isidentifier() else f"`{title}`"
    if isinstance(value, str):
        quote = "'" if '"' in value else '"'
        return f"--where {shlex.quote(f'{column} == {quote}{value}{quote}')}"
    return f"--where {shlex.quote(f'{column} == {value:.17g}')}"


def column_option(name: str, title: str) -> str:
    """The option that names the column of an input.

    >>> column_option("num_params", "Params (M)")
    "--column 'num_params=Params (M)'"
    """
    return f"--column {shlex.quote(f'{name}={title}')}"


def hint(name: str, known: Iterable[str]) -> str:
    """The nearest of the known names, as a question for the end of a sentence."""
    close = get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def listed(name: str, titles: Sequence[str]) -> str:
    """The columns of a table in a sentence: all of a few, else those with the nearest names."""
    if len(titles) <= _MOST_NAMED:
        return f"it has {', '.join(titles)}"
    near = get_close_matches(name, titles, n=5, cutoff=0.0)
    return f"of its {len(titles)} columns the nearest are {', '.join(near)}"
