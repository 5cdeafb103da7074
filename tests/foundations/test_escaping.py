"""Text from files stays text: Markdown and HTML by a parser, LaTeX and figures by their signs."""

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import hypothesis
import hypothesis.strategies as st
import pytest

from fitting.reporting.markdown import latex_table, markdown_table
from fitting.reporting.pages import to_page
from jaxlaws.figures.style import house_style, new_figure, save_figure
from jaxlaws.foundations.text.escaping import figure_text, latex_text, markdown_text, terminal_text

HARMFUL = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](http://evil.example/track.png)",
    "[click](http://evil.example)",
    "[click](javascript:alert(1))",
    "[a]: http://evil.example",
    "<http://evil.example>",
    "http://evil.example",
    "www.evil.example",
    "someone@evil.example",
    "`code` **bold** *it* _it_ ~~gone~~ $x$ $$y$$",
    "&lt;b&gt; &#60;",
    "a | b |\n| --- |\n# head",
    r"\input{/etc/passwd} \write18{rm} % $ & # _ { } ~ ^",
    r"ends with \ ",
    "\x1b[2J\x1b]0;title\x07 \u202ereversed",
    "$\\notacommand$",
    "C #",
    "##",
]


class Seen(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


def body(page):
    return page[page.index("<body>") :]


def shown(text):
    return " ".join(terminal_text(" ".join(text.splitlines())).split())


@hypothesis.given(st.one_of(st.sampled_from(HARMFUL), st.text(max_size=40)))
@hypothesis.settings(max_examples=300, deadline=None)
def test_no_text_becomes_markup_in_markdown_or_html(text):
    parts = [f"## Name {markdown_text(text)}", f"- note {markdown_text(text)}"]
    page = Seen(body(to_page(parts, "")))
    assert page.tags == ["body", "main", "h2", "ul", "li"]
    assert " ".join(page.text.split()).count(shown(text)) >= 2
    cells = Seen(body(to_page([markdown_table([text, "x"], [[text, "1"]])], "")))
    head = ["body", "main", "div", "table", "thead", "tr", "th", "th"]
    assert cells.tags == [*head, "tbody", "tr", "td", "td"]


@pytest.mark.parametrize("text", HARMFUL)
def test_addresses_are_not_written_as_programs_recognise_them(text):
    assert not re.search(r"(?<!\\):(?=//)|www\.|(?<!\\)@", markdown_text(text))


@pytest.mark.parametrize("text", HARMFUL)
def test_no_text_becomes_a_command_of_latex(text):
    known = r"\\(textbackslash|textasciitilde|textasciicircum)\{\}|\\[&%$#_{}]"
    left = re.sub(known, "", latex_text(text))
    assert not set(left) & set("\\&%$#_{}~^")
    assert latex_table([text], [[text]]).count("\n") == 6


@pytest.mark.parametrize("text", HARMFUL)
def test_text_in_a_picture_is_drawn_as_text(text, tmp_path):
    with house_style():
        figure, axes = new_figure()
        axes.plot([1, 2], label=figure_text(text))
        axes.legend()
        figure.suptitle(figure_text(text))
    save_figure(figure, tmp_path / "picture.svg")
    tags = {each.tag.rpartition("}")[2] for each in ET.parse(tmp_path / "picture.svg").iter()}
    assert not tags & {"script", "image", "a", "foreignObject"}


def test_a_terminal_receives_no_control_codes():
    assert terminal_text("\x1b[2J é\n\t\u202e") == "\\x1b[2J é\n\t\\u202e"
