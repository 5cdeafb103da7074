"""The picture of the README: predictions beside results, and errors against training length."""

from pathlib import Path

import numpy as np

from experiments.predictions.judgement import Row
from jaxlaws.figures.axes import legend_above, loss_axis, quantity_axis
from jaxlaws.figures.style import ROLES, RULE, house_style, new_figure, save_figure


def draw(predictions: list[Row], results: dict[str, float], path: Path) -> None:
    """Two axes: predicted against measured loss, and errors against symbols, with intervals.

    Args:
        predictions: the rows of one fit.
        results: measured losses by run. Runs without one are left out.
        path: the file to write. The same numbers always give the same file.
    """
    with house_style():
        figure, (losses, lengths) = new_figure(2)
        for kind, colour in {"supervised": ROLES["model"], "student": ROLES["student"]}.items():
            rows = [
                row
                for row in predictions
                if row["run"] in results and bool(row["teacher"]) == (kind == "student")
            ]
            found = np.array([results[row["run"]] for row in rows])
            middle, low, high, tokens = (
                np.array([float(row[key]) for row in rows])
                for key in ("predicted", "low", "high", "num_tokens")
            )
            look = {"fmt": "o", "ms": 3, "lw": 0.7, "color": colour, "label": kind, "alpha": 0.7}
            losses.errorbar(found, middle, [middle - low, high - middle], **look)
            spread = 100 * np.array([middle - low, high - middle]) / found
            lengths.errorbar(tokens, 100 * (middle / found - 1), spread, **look)
        ends = losses.get_xlim()
        losses.plot(ends, ends, color=RULE, lw=0.8, zorder=0)
        loss_axis(losses.xaxis, "measured loss")
        loss_axis(losses.yaxis, "predicted loss")
        legend_above(losses)
        lengths.axhline(0, color=RULE, lw=0.8, zorder=0)
        quantity_axis(lengths.xaxis, "symbols read")
        loss_axis(lengths.yaxis, "predicted above measured loss", "%")
        save_figure(figure, path)
