"""Tables in LaTeX or HTML, which are not read: how to write them as CSV."""

import re

from jaxlaws.foundations.errors import DataError

_LATEX = re.compile(
    rb"\\begin\{(?:tabular|table|longtable|array|tblr)|\\(?:top|mid)rule|\\hline|&[^\n]*\\\\\s*\n"
)
_HTML = re.compile(rb"<!doctype html|<html|<table|<tbody|<tr>", re.IGNORECASE)
_HEAD = 4096  # bytes


def refuse_markup(content: bytes) -> None:
    """Raise an error if a text begins as LaTeX or HTML.

    Raises:
        DataError: it does; the message says how to write the table as CSV.
    """
    if _LATEX.search(content[:_HEAD]):
        raise DataError(
            "it is a table in LaTeX, which is not read. Write it as CSV: the names of the columns "
            "in the first line, commas in place of &, and no \\\\, \\hline or other commands"
        )
    if _HTML.search(content[:_HEAD]):
        raise DataError(
            "it is a table in HTML, which is not read. Write it as CSV, for example with pandas: "
            "pandas.read_html('FILE')[0].to_csv('runs.csv', index=False)"
        )
