"""Reports in Markdown and HTML, and tables in Markdown and LaTeX.

Text in a report may come from files, such as names of columns. Tables show their cells as text, and
`jaxlaws.foundations.text.escaping` makes other text safe. HTML is always shown as text.
"""

import html
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jaxlaws.foundations.atomic_files import atomic_write
from jaxlaws.foundations.text.escaping import latex_text, markdown_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
    r"""A table in Markdown. The first column is aligned to the left, the others to the right.

    Cells are shown as text: markup in them has no effect.

    >>> print(markdown_table(["name", "loss"], [["small", "2.41"], ["a|b", "2.50"]]))
    | name | loss |
    | :--- | ---: |
    | small | 2.41 |
    | a\|b | 2.50 |
    """
    lines = [columns, [":---", *["---:"] * (len(columns) - 1)], *rows]
    cells = [[markdown_text(cell) for cell in line] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)


def latex_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""A table in LaTeX, with the rules of the package booktabs.

    >>> print(latex_table(["name", "loss"], [["small_1", "2.41"]]))
    \begin{tabular}{lr}
    \toprule
    name & loss \\
    \midrule
    small\_1 & 2.41 \\
    \bottomrule
    \end{tabular}
    """
    head, *body = [" & ".join(map(latex_text, line)) + r" \\" for line in (columns, *rows)]
    kinds = "l" + "r" * (len(columns) - 1)
    lines = [rf"\begin{{tabular}}{{{kinds}}}", r"\toprule", head, r"\midrule", *body]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def to_html(markdown: str, title: str) -> str:
    """A page of HTML from Markdown. The page loads nothing but the pictures of the Markdown.

    Args:
        markdown: the text. HTML in the text is shown as text.
        title: the title of the page.
    """
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    return _PAGE.format(title=html.escape(title), body=body)


def to_page(parts: "Sequence[str | Figure]", title: str) -> str:
    """A page of HTML from paragraphs in Markdown and figures. The file contains the pictures."""
    paragraphs = []
    for part in parts:
        if isinstance(part, str):
            paragraphs.append(part)
            continue
        from jaxlaws.figures.style import data_uri

        paragraphs.append(f"![]({data_uri(part)})")
    return to_html("\n\n".join(paragraphs), title)


def write_report(folder: str | os.PathLike[str], markdown: str, title: str) -> None:
    """Write Markdown as `report.md` and `report.html` into a folder."""
    for name, text in {"report.md": markdown, "report.html": to_html(markdown, title)}.items():
        with atomic_write(Path(folder, name)) as temporary:
            temporary.write_text(text, encoding="utf-8")
