"""The panels of a figure as SVG pictures of their own, which a page can put below each other.

The pictures have no background. Their ink is light where the reader's page is dark.
"""

import base64
import io
import re

from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from jaxlaws.figures.style import INK, NOTE, house_style, save_figure

_PAD = 0.06  # inches around a panel
_STYLE = (
    f"<style>svg{{--ink:{INK};--note:{NOTE}}}"
    "@media (prefers-color-scheme:dark){svg{--ink:#e6e6e6;--note:#b0b0b0;"
    "filter:brightness(1.25)}}</style>"
)


def panel_uris(figure: Figure) -> list[str]:
    """The address of an SVG picture of each panel, in order; of a matrix of panels, one of all."""
    return [
        f"data:image/svg+xml;base64,{base64.b64encode(text.encode()).decode()}"
        for text in panel_svgs(figure)
    ]


def panel_svgs(figure: Figure) -> list[str]:
    """The SVG text of each panel; see `panel_uris`."""
    with house_style():
        canvas = figure.canvas
        canvas.draw()  # the layout
        engine = figure.get_layout_engine()
        figure.set_layout_engine("none")
        shown = [axes for axes in figure.axes if axes.get_visible()]
        hidden = [text for text in figure.texts if text.get_visible()]  # title and notes
        # Panels of a matrix share labels, and colour bars belong to other axes.
        together = len(shown) > 4 or any(not axes.get_ylabel() for axes in shown[:1])
        together = together or any(axes.get_label() == "<colorbar>" for axes in shown)
        groups = [shown] if together else [[axes] for axes in shown]
        pictures = []
        for part in hidden:
            part.set_visible(False)
        try:
            for group in groups:
                for axes in shown:
                    axes.set_visible(axes in group)
                boxes = [axes.get_tightbbox() for axes in group]
                box = Bbox.union([each for each in boxes if each is not None])
                inches = box.transformed(figure.dpi_scale_trans.inverted()).padded(_PAD)
                pictures.append(_svg(figure, inches))
        finally:
            for each in (*shown, *hidden):
                each.set_visible(True)
            figure.set_layout_engine(engine)
    return pictures


def _svg(figure: Figure, inches: Bbox) -> str:
    file = io.BytesIO()
    save_figure(figure, file, "svg", bbox_inches=inches, transparent=True)
    text = file.getvalue().decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[a-z]\w*_\d+">', "<g>", text)
    text = text.replace(INK, "var(--ink)").replace(NOTE, "var(--note)")
    text = re.sub(r"\s*\n\s*", "\n", text)
    return text.replace("<defs>", f"<defs>{_STYLE}", 1)
