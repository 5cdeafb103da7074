"""The panels of a figure as SVG pictures of their own, which a page can put below each other.

The pictures have no background. Their ink is light where the reader's page is dark.
"""

import base64
import copy
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from jaxlaws.figures.style import INK, NOTE, save_figure

_SVG, _LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_PAD = 4.0  # points around a panel
_MOST = 4  # more panels are a matrix, whose inner panels have no labels of their own
_PLACE = "style of the panel"
_STYLE = (
    f"*{{stroke-linejoin:round}}svg{{--ink:{INK};--note:{NOTE}}}"
    "@media (prefers-color-scheme:dark){svg{--ink:#e6e6e6;--note:#b0b0b0;"
    "filter:brightness(1.25)}}"
)
ET.register_namespace("", _SVG)
ET.register_namespace("xlink", _LINK)


def is_matrix(figure: Figure) -> bool:
    """Whether the panels of a figure belong together."""
    shown = [axes for axes in figure.axes if axes.get_visible()]
    return len(shown) > _MOST or any(axes.get_label() == "<colorbar>" for axes in shown)


def drawing_of(figure: Figure) -> bytes:
    """The SVG file of a whole figure, from which `panel_uris` takes its panels."""
    file = io.BytesIO()
    save_figure(figure, file, "svg", bbox_inches=Bbox([[0, 0], _size(figure)]))
    return file.getvalue()


def panel_uris(figure: Figure, drawing: bytes) -> list[str]:
    """The address of an SVG picture of each panel, in order; of a matrix of panels, one of all.

    Args:
        figure: the figure.
        drawing: `drawing_of` this figure. Each panel is the part of it that belongs to its axes.
    """
    root = ET.fromstring(drawing)
    named = {
        each.get("id"): each for defs in root.iter(f"{{{_SVG}}}defs") for each in defs
    }  # of all panels, which share glyphs
    shown = [axes for axes in figure.axes if axes.get_visible()]
    groups = [
        each for each in root.iter(f"{{{_SVG}}}g") if str(each.get("id", "")).startswith("axes_")
    ]
    together = is_matrix(figure)
    both = [(shown, groups)] if together else [
        ([axes], [group]) for axes, group in zip(shown, groups, strict=True)
    ]  # fmt: skip
    texts = [_panel(_box(figure, axes), parts, named) for axes, parts in both]
    return [
        f"data:image/svg+xml;base64,{base64.b64encode(text.encode()).decode()}" for text in texts
    ]


def _size(figure: Figure) -> tuple[float, float]:
    width, height = figure.get_size_inches()
    return float(width), float(height)


def _box(figure: Figure, shown: Sequence[Axes]) -> tuple[float, float, float, float]:
    """The left and upper end, the width and the height of axes with their labels, in points."""
    boxes = [axes.get_tightbbox() for axes in shown]
    box = Bbox.union([each for each in boxes if each is not None])
    box = box.transformed(figure.dpi_scale_trans.inverted())
    height = 72 * _size(figure)[1]
    left, top = 72 * box.x0 - _PAD, height - 72 * box.y1 - _PAD
    return left, top, 72 * box.width + 2 * _PAD, 72 * box.height + 2 * _PAD


def _panel(
    box: tuple[float, float, float, float],
    groups: Sequence[ET.Element],
    named: dict[str | None, ET.Element],
) -> str:
    """An SVG document with groups of the drawing and the definitions that they use."""
    parts = [copy.deepcopy(group) for group in groups]
    for part in parts:
        for parent in list(part.iter()):
            for defs in parent.findall(f"{{{_SVG}}}defs"):
                parent.remove(defs)
            parent.attrib.pop("id", None)
    text = "".join(ET.tostring(part, encoding="unicode") for part in parts)
    used = sorted(set(re.findall(r"#([\w-]+)[\")]", text)) & {name for name in named if name})
    root = ET.Element(f"{{{_SVG}}}svg")
    root.set("viewBox", " ".join(f"{number:.2f}" for number in box))
    root.set("width", f"{box[2]:.1f}pt")
    root.set("height", f"{box[3]:.1f}pt")
    ET.SubElement(root, f"{{{_SVG}}}style").text = _PLACE
    ET.SubElement(root, f"{{{_SVG}}}defs").extend(named[name] for name in used)
    root.extend(parts)
    written = ET.tostring(root, encoding="unicode")
    written = written.replace(INK, "var(--ink)").replace(NOTE, "var(--note)")
    return re.sub(r"\s*\n\s*", "\n", written).replace(_PLACE, _STYLE)
