"""The book: `make book` builds it into out/book. Warnings are errors."""

import importlib
import inspect
import re
from pathlib import Path

from sphinx.application import Sphinx

project = "jaxlaws"
author = "the jaxlaws authors"
copyright = "the jaxlaws authors, Apache-2.0"  # noqa: A001

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
exclude_patterns = ["_static"]
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
    app.connect("source-read", _link_pages)
