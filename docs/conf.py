"""The book: `make book` builds it into out/book. Warnings are errors."""

import importlib
import inspect
import re
from collections.abc import Sequence
from pathlib import Path

from sphinx.application import Sphinx

from fitting import markdown_table
from jaxlaws import laws, presets
from jaxlaws.foundations.law import coefficients
from jaxlaws.foundations.provenance import Preset
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.foundations.text.cells import heading
from jaxlaws.foundations.text.escaping import Markup, markdown_text

project = "jaxlaws"
author = "the jaxlaws authors"
copyright = "the jaxlaws authors, Apache-2.0"  # noqa: A001

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
exclude_patterns = ["_static", "generated/laws"]  # pages of laws contain the latter
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True
autodoc_typehints = "none"  # docstrings give types and shapes
autodoc_member_order = "bysource"
napoleon_use_ivar = True
linkcheck_anchors = False

html_theme = "furo"
html_title = "jaxlaws"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_copy_source = False
mathjax_path = "vendor/tex-svg.js"

_DOCS = Path(__file__).resolve().parent
_ROOT = _DOCS.parent

# Pages of the book that contain a file from outside this folder. A link to such a file works where
# the repository is browsed; in the book it leads to the page.
_FROM_OUTSIDE = {
    "jaxlaws/foundations/text/glossary.md": "glossary",
    "fitting/bundled/README.md": "studies/bundled_runs",
    "experiments/LOG.md": "studies/log",
    "CHANGELOG.md": "changelog",
    **{
        path.relative_to(_ROOT).as_posix(): f"studies/{path.parent.name}"
        for path in (_ROOT / "experiments").glob("*/README.md")
    },
}


def _write(page: str, text: str) -> None:
    """Write a generated page; an unchanged page is not built again."""
    path = _DOCS / "generated" / f"{page}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _write_pages_from_outside() -> None:
    for file, page in _FROM_OUTSIDE.items():
        up = "../" * (page.count("/") + 2)
        links = "." if "/" in file else "docs"  # how links begin there
        include = f"```{{include}} {up}{file}\n:relative-docs: {links}\n:relative-images:\n```\n"
        _write(page, include)


def _write_reference() -> None:
    """A page for each room of `api.md`, with the docstrings of its names."""
    for section in re.split(r"^## ", (_DOCS / "api.md").read_text(), flags=re.MULTILINE)[1:]:
        package = re.match(r"`([\w.]+)`", section)
        if package is None:
            continue
        rooms = re.split(r"^### ", section, flags=re.MULTILINE)
        for room in rooms[1:] or rooms:
            names = re.findall(r"^\| `(\w+)` \| (.*) \|$", room, flags=re.MULTILINE)
            entries = "\n".join(_entry(package[1], *each) for each in names)
            title = room.splitlines()[0] if len(rooms) > 1 else f"`{package[1]}`"
            label = re.match(r"`?([\w.]+)", title)
            if names and label:
                page = f"reference/{package[1]}.{label[1]}".replace("..", ".")
                _write(page, f"# {title}\n\n```{{eval-rst}}\n{entries}```\n")


def _entry(package: str, name: str, sentence: str) -> str:
    """The directive that shows a public name. A constant has its sentence from `api.md`."""
    value = getattr(importlib.import_module(package), name)
    if inspect.isclass(value):
        return f".. autoclass:: {package}.{name}\n   :members:\n"
    if inspect.isroutine(value):
        return f".. autofunction:: {package}.{name}\n"
    return f".. data:: {package}.{name}\n\n   {sentence}\n".replace("`", "``")


def _write_laws() -> None:
    """The terms of each law, and its presets; and a table of all presets."""
    names = {name: presets.describe(name) for name in presets.names()}
    for module, law_type in laws.law_types().items():
        own = {name: each for name, each in names.items() if type(each.law) is law_type}
        parts = [_terms(law_type), *([_values(own), _facts(own)] if own else [])]
        _write(f"laws/{module}", "\n\n".join(filter(None, parts)) + "\n")
    heads = ["preset", "law", "mark", "N counts", "fitted to", "source"]
    rows = [
        [
            _code(name),
            type(each.law).__name__,
            each.mark.value,
            each.counts,
            "; ".join(_ranges(each)) or "not published",
            each.source,
        ]
        for name, each in names.items()
    ]
    warned = [
        f"- {_code(name)}: {markdown_text(each.warning)}"
        for name, each in names.items()
        if each.warning
    ]
    first = "\n".join(["**Do not plan with these presets:**\n", *warned])
    _write("all_presets", f"# All presets\n\n{first}\n\n{_LEAD}\n\n{_texts(heads, rows)}\n")


_LEAD = (
    "`jaxlaws presets NAME` prints the coefficients of a preset. [The laws](../laws/index.md) "
    "explains the marks. [Which law and which preset](../theory/choosing.md) helps to choose one."
)


def _terms(law_type: type) -> str:
    """The table of the coefficients in the docstring of a law."""
    found = re.search(r"Attributes:\n(.*)", inspect.getdoc(law_type) or "", flags=re.DOTALL)
    if found is None:
        return ""
    terms = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", found[1], flags=re.MULTILINE)
    rows = [[_code(name), Markup(_escaped(" ".join(text.split())))] for name, text in terms]
    return _texts(["term", "meaning and unit"], rows)


def _values(own: dict[str, Preset]) -> str:
    """The table of the coefficients of presets, with their published intervals."""
    columns = [coefficients(each.law) for each in own.values()]
    rows: list[list[str]] = [[_code(name)] for name in columns[0]]
    for preset, values in zip(own.values(), columns, strict=True):
        for row, (name, value) in zip(rows, values.items(), strict=True):
            ends = (preset.intervals or {}).get(name)
            interval = f" ({ends[0]:.6g} to {ends[1]:.6g})" if ends else ""
            row.append(f"{value:.6g}{interval}")
    return markdown_table(["coefficient", *map(_code, own)], rows)


def _facts(own: dict[str, Preset]) -> str:
    """What is known of each preset, one list entry each."""
    entries = []
    for name, each in own.items():
        level = each.interval_level
        facts = [
            f"{each.source}. N counts {each.counts}; loss in {each.loss_unit}; data: {each.data}.",
            f"Fitted to {'; '.join(_ranges(each))}." if each.fitted_range else "",
            f"The intervals in the table are central {level:.0%} intervals." if level else "",
            each.note,
        ]
        warning = f"**{markdown_text(each.warning)}** " if each.warning else ""
        text = markdown_text(" ".join(filter(None, facts)))
        entries.append(f"- {_code(name)} ({each.mark.value}): {warning}{text}")
    return "\n".join(entries)


def _ranges(preset: Preset) -> list[str]:
    """The fitted range of each input in words."""
    return [
        f"{heading(name)} {format_quantity(low) if low else '?'} to {format_quantity(high)}"
        for name, (low, high) in (preset.fitted_range or {}).items()
    ]


def _texts(heads: list[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of texts, aligned to the left."""
    return markdown_table(heads, rows).replace("---: |", ":--- |")


def _escaped(text: str) -> str:
    """Text of a docstring, in which only the parts between backquotes are markup."""
    parts = text.split("`")
    return "`".join(part if i % 2 else markdown_text(part) for i, part in enumerate(parts))


def _code(name: str) -> Markup:
    return Markup(f"`{name}`")


def _link_pages(app: Sphinx, page: str, source: list[str]) -> None:
    """Lead links to files outside this folder to the pages that contain them."""
    folder = (_DOCS / page).parent

    def link(match: re.Match[str]) -> str:
        target = (folder / match[1]).resolve()
        if not target.is_relative_to(_ROOT):
            return match[0]
        page = _FROM_OUTSIDE.get(target.relative_to(_ROOT).as_posix())
        return f"](/generated/{page}.md{match[2]})" if page else match[0]

    source[0] = re.sub(r"\]\(((?:\.\./)+[\w./]+)((?:#[\w-]+)?)\)", link, source[0])


def setup(app: Sphinx) -> None:
    """Generate pages, and lead links to them."""
    _write_pages_from_outside()
    _write_reference()
    _write_laws()
    app.connect("source-read", _link_pages)
