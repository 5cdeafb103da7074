"""Reports: written once as Markdown, rendered from it as HTML."""

import html
import os
from collections.abc import Sequence
from pathlib import Path

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto;
  padding: 0 1rem; }}
table {{ border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .25rem .75rem; border-bottom: 1px solid #ddd; text-align: right; }}
th:first-child, td:first-child {{ text-align: left; }}
img {{ max-width: 100%; }}
code {{ background: #f4f4f4; padding: 0 .2rem; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, numbers to the right.

    >>> print(markdown_table(["name", "loss"], [["small", "2.41"]]))
    | name | loss |
    | :--- | ---: |
    | small | 2.41 |
    """
    lines = [columns, [":---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def to_html(markdown: str, title: str) -> str:
    """A page that needs nothing from elsewhere but the pictures that it names."""
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark").enable("table").render(markdown)
    return _PAGE.format(title=html.escape(title), body=body)


def write_report(folder: str | os.PathLike[str], markdown: str, title: str) -> None:
    """Write `report.md` and `report.html` into a folder."""
    Path(folder, "report.md").write_text(markdown, encoding="utf-8")
    Path(folder, "report.html").write_text(to_html(markdown, title), encoding="utf-8")
