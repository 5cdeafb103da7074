"""Reports as one page of HTML that contains its pictures, or as Markdown with files of pictures."""

import dataclasses
import functools
import html
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from jaxlaws.foundations.atomic_files import atomic_write
from jaxlaws.foundations.text.escaping import markdown_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True, eq=False)
class Picture:
    """A figure of a report.

    Attributes:
        figure: the figure.
        name: of its file, without suffix.
        alt: what it shows, for readers who do not see it.
        caption: the sentences below it, as plain text. The notes of the figure follow.
    """

    figure: "Figure"
    name: str
    alt: str
    caption: str

    @functools.cached_property
    def svg(self) -> bytes:
        """The SVG file of the figure."""
        from jaxlaws.figures.panels import drawing_of

        return drawing_of(self.figure)


# A paragraph, a table or a heading in Markdown; or a picture.
Part: TypeAlias = str | Picture

_STYLE = """
:root { color-scheme: light dark; --ink: #222; --note: #595959; --line: #d8d8d8; --code: #f2f2f2;
  --paper: #fff; --link: #0b57d0; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e6; --note: #b0b0b0; --line: #444; --code: #262a2f; --paper: #15181c;
    --link: #8ab4f8; } }
* { box-sizing: border-box; }
body { font: 1rem/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.3rem; margin-top: 2.2rem; padding-top: .6rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin-top: 1.6rem; }
a { color: var(--link); }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: right;
  overflow-wrap: normal; }
th { vertical-align: bottom; }
td { white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
figure { margin: 1.4rem 0; }
.panels { display: flex; flex-wrap: wrap; gap: .8rem 1.2rem; align-items: flex-end; }
.panels img { max-width: 100%; height: auto; }
.matrix { overflow-x: auto; }
.matrix img { min-width: 36rem; }
figcaption { color: var(--note); font-size: .87rem; margin-top: .5rem; max-width: 48rem; }
code { background: var(--code); padding: .1rem .25rem; border-radius: 3px; font-size: .87rem; }
pre { background: var(--code); padding: .7rem .9rem; white-space: pre-wrap; border-radius: 4px; }
pre code { background: none; padding: 0; }
@media (min-width: 120rem) { html { font-size: 20px; } .panels img { zoom: 1.25; } }
@media (min-width: 200rem) { html { font-size: 28px; } .panels img { zoom: 1.75; } }
@media print {
  :root { --ink: #000; --note: #333; --line: #bbb; --paper: #fff; --code: #f2f2f2; }
  body { max-width: none; padding: 0; font-size: 10pt; line-height: 1.4; }
  h2 { margin-top: 1.2rem; }
  h2, h3 { break-after: avoid; }
  figure, pre, tr, table { break-inside: avoid; }
  table:has(tr:nth-child(20)) { break-inside: auto; }
  figure { margin: .8rem 0; }
  .scroll { overflow: visible; margin: .6rem 0; }
  table { font-size: 8pt; }
  th, td { padding: .15rem .4rem; white-space: normal; }
  table:has(th:nth-child(10)) th { overflow-wrap: anywhere; }
  .panels { gap: 2mm 4mm; }
  .panels img { max-width: 48%; max-height: 52mm; }
  .panels img:only-child { max-width: 75%; max-height: 76mm; min-width: 0; }
  .matrix img:only-child { max-width: 90%; max-height: 150mm; }
  @page { margin: 16mm; }
}
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def to_page(parts: Sequence[Part], title: str) -> str:
    """A page of HTML from parts of a report. The file contains the pictures.

    The panels of a picture are below each other on a narrow screen, and wide tables scroll.
    """
    body, number = [], 0
    for part in parts:
        if isinstance(part, str):
            body.append(_rendered(part))
            continue
        number += 1
        body.append(_figure(part, number))
    return _PAGE.format(title=html.escape(title), style=_STYLE, body="\n".join(body))


def to_markdown(parts: Sequence[Part]) -> str:
    """The report in Markdown, with the pictures as files `NAME.svg` beside it."""
    paragraphs, number = [], 0
    for part in parts:
        if isinstance(part, str):
            paragraphs.append(part)
            continue
        number += 1
        paragraphs.append(f"![{markdown_text(part.alt)}]({part.name}.svg)")
        paragraphs.append(f"*{markdown_text(_caption(part, number))}*")
    return "\n\n".join(paragraphs) + "\n"


def write_report(
    folder: str | os.PathLike[str], parts: Sequence[Part], title: str, *, name: str = "report"
) -> None:
    """Write a report into a folder: one page of HTML, and Markdown with its pictures as files."""
    for part in parts:
        if isinstance(part, Picture):
            with atomic_write(Path(folder, f"{part.name}.svg")) as temporary:
                temporary.write_bytes(part.svg)
    texts = {f"{name}.md": to_markdown(parts), f"{name}.html": to_page(parts, title)}
    for file, text in texts.items():
        with atomic_write(Path(folder, file)) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _rendered(markdown: str) -> str:
    """HTML from Markdown; tables scroll, also by the keyboard."""
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    scrolled = '<div class="scroll" role="region" aria-label="table" tabindex="0"><table>'
    return body.replace("<table>", scrolled).replace("</table>", "</table></div>")


def _caption(picture: Picture, number: int) -> str:
    from jaxlaws.figures.style import notes_of

    words = f"Figure {number}. {picture.caption}"
    notes = notes_of(picture.figure)
    return f"{words} {notes[:1].upper()}{notes[1:]}." if notes else words


def _figure(picture: Picture, number: int) -> str:
    from jaxlaws.figures.panels import is_matrix, panel_uris

    addresses, alt = panel_uris(picture.figure, picture.svg), html.escape(picture.alt)
    count = len(addresses)
    images = "\n".join(
        f'<img alt="{alt if count == 1 else f"{alt} (panel {place} of {count})"}" src="{address}">'
        for place, address in enumerate(addresses, 1)
    )
    caption = html.escape(_caption(picture, number))
    kind = "panels matrix" if is_matrix(picture.figure) else "panels"
    below = f"<figcaption>{caption}</figcaption>"
    return f'<figure><div class="{kind}">\n{images}\n</div>\n{below}</figure>'
