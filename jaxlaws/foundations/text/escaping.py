r"""Text as text: in Markdown and so in HTML, in LaTeX, in figures, and on a terminal.

Names of files and columns, names of groups, warnings and labels may come from files of other
people. These functions, and no others, make such text safe to put into a document.

>>> markdown_text("[a](http://b.example) <b> num_params")
'\\[a\\](http\\://b.example) \\<b\\> num_params'
>>> latex_text("50% of x_1"), figure_text("$x$"), terminal_text("\x1b[2J")
('50\\% of x\\_1', '\\$x\\$', '\\x1b[2J')
"""

import re

# Characters with a meaning in LaTeX.
_LATEX = {sign: f"\\{sign}" for sign in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
# Signs that start markup within a line of Markdown. An underscore inside a word does not. Addresses
# become links in some programs without any markup. Signs `#` at the end of a heading close it.
_MARKDOWN = re.compile(
    r"[\\`*\[\]<>&|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=//)|(?<=\bwww)\.|@|(?<=mailto):"
    r"|#(?=#*\s*$)",  # at the end of a heading
    re.IGNORECASE,
)


class Markup(str):
    """Text that is Markdown already; write it only around text of the program itself."""


def one_line(text: str) -> str:
    r"""The text with each line break replaced by a space.

    >>> one_line("two\nlines")
    'two lines'
    """
    return " ".join(text.splitlines())


def markdown_text(text: str) -> str:
    """Text for one line of Markdown, in which no sign has a meaning.

    At the start of a line, put a word before it: `#` and `-` have a meaning there. A `Markup`
    stays as it is.
    """
    if isinstance(text, Markup):
        return text
    return _MARKDOWN.sub(lambda found: f"\\{found[0]}", terminal_text(one_line(text)))


def latex_text(text: str) -> str:
    """Text for one line of LaTeX, in which no sign has a meaning."""
    return "".join(_LATEX.get(sign, sign) for sign in terminal_text(one_line(text)))


def figure_text(text: str) -> str:
    """Text for a figure; Matplotlib would read text between dollar signs as mathematics."""
    return terminal_text(one_line(text)).replace("$", r"\$")


def terminal_text(text: str) -> str:
    """Text for a terminal: signs that are not printed, such as escape sequences, are shown as code.

    Line breaks and tabs stay.
    """
    return "".join(
        sign if sign.isprintable() or sign in "\n\t" else sign.encode("unicode_escape").decode()
        for sign in text
    )
