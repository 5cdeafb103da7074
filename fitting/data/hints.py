"""Options of the command line in messages, written so that they work when they are copied."""

import shlex


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
