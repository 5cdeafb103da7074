"""Reports: written once as Markdown, rendered from it as HTML; tables in LaTeX too."""

import base64
import html
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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

# What LaTeX would take for something else.
_LATEX = {sign: f"\\{sign}" for sign in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, numbers to the right.

    >>> print(markdown_table(["name", "loss"], [["small", "2.41"]]))
    | name | loss |
    | :--- | ---: |
    | small | 2.41 |
    """
    lines = [columns, [":---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def latex_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""The same in LaTeX, with the rules of booktabs.

    >>> print(latex_table(["name", "loss"], [["small_1", "2.41"]]))
    \begin{tabular}{lr}
    \toprule
    name & loss \\
    \midrule
    small\_1 & 2.41 \\
    \bottomrule
    \end{tabular}
    """
    head, *body = [
        " & ".join("".join(_LATEX.get(sign, sign) for sign in cell) for cell in line) + r" \\"
        for line in (columns, *rows)
    ]
    kinds = "l" + "r" * (len(columns) - 1)
    lines = [rf"\begin{{tabular}}{{{kinds}}}", r"\toprule", head, r"\midrule", *body]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def to_html(markdown: str, title: str) -> str:
    """A page that needs nothing from elsewhere but the pictures that it names."""
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark").enable("table").render(markdown)
    return _PAGE.format(title=html.escape(title), body=body)


def to_page(parts: "Sequence[str | Figure]", title: str) -> str:
    """One page of HTML of paragraphs in Markdown and of figures, the pictures inside it."""
    written = []
    for part in parts:
        if isinstance(part, str):
            written.append(part)
            continue
        picture = io.BytesIO()
        part.savefig(picture, format="png", dpi=144)
        code = base64.b64encode(picture.getvalue()).decode()
        written.append(f"![](data:image/png;base64,{code})")
    return to_html("\n\n".join(written), title)


def write_report(folder: str | os.PathLike[str], markdown: str, title: str) -> None:
    """Write `report.md` and `report.html` into a folder."""
    Path(folder, "report.md").write_text(markdown, encoding="utf-8")
    Path(folder, "report.html").write_text(to_html(markdown, title), encoding="utf-8")
