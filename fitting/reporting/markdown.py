"""Tables in Markdown and LaTeX.

Text in a table may come from files, such as names of columns. Tables show their cells as text.
"""

from collections.abc import Sequence

from jaxlaws.foundations.text.escaping import latex_text, markdown_text


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
