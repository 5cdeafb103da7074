"""Figures of compute-optimal scaling: IsoFLOP profiles, and approaches side by side."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from fitting.data.run_sizes import extent
from fitting.scaling.isoflop import IsoflopProfile
from fitting.scaling.optimal_scaling import OptimalScaling
from jaxlaws.figures.style import (
    COLOURS,
    house_style,
    line_with_band,
    named_in_legend,
    new_figure,
    quantity_axis,
)

_LABELS = {"num_params": "parameters", "num_tokens": "training tokens"}


def isoflop_curves(profiles: Sequence[IsoflopProfile], *, title: str = "") -> Figure:
    """Draw loss against size or tokens at each budget, with the polynomials and their minima.

    Diamonds are minima, with bars over the central 90% of their draws. A profile without a minimum
    has a dashed curve.

    Args:
        profiles: profiles along the same input, one colour each.
        title: title of the figure.
    """
    along = profiles[0].along
    colours = mpl.colormaps["viridis"](np.linspace(0, 0.9, len(profiles)))
    named = named_in_legend(len(profiles), 16)
    with house_style():
        figure, axes = new_figure(width=6.0, height=4.2)
        for index, (profile, colour) in enumerate(zip(profiles, colours, strict=True)):
            sizes, label = extent(profile.runs, along), profile.title if index in named else None
            axes.scatter(sizes, profile.runs.loss, s=14, color=colour, label=label)
            line = np.geomspace(sizes.min(), sizes.max(), 200)
            look = "--" if profile.why_not else "-"
            axes.plot(line, profile.loss_at(line), look, color=colour, linewidth=1)
            if profile.why_not:
                continue
            best, loss = profile.minimum[along], profile.minimum["loss"]
            drawn = profile.draws[along][np.isfinite(profile.draws[along])]
            if drawn.size:
                axes.plot(np.quantile(drawn, [0.05, 0.95]), [loss, loss], color="0.2", linewidth=1)
            axes.scatter(best, loss, marker="D", s=24, color="0.2", zorder=3)
        quantity_axis(axes.xaxis, _LABELS[along])
        axes.set(ylabel="loss", title=title)
        axes.legend(fontsize=7)
    return figure


def approaches(scalings: Sequence[OptimalScaling], *, flops: np.ndarray, title: str = "") -> Figure:
    """Draw best size and tokens against compute by each approach, with central 90% bands.

    Args:
        scalings: the approaches, one colour each.
        flops: ascending budgets where the lines are drawn, `(num_budgets,)`.
        title: title of the figure.
    """
    with house_style():
        figure, both = new_figure(2, height=3.6)
        for axes, (name, label) in zip(both, _LABELS.items(), strict=True):
            for index, scaling in enumerate(scalings):
                line = scaling.lines[name]
                colour = COLOURS[index % len(COLOURS)]
                amplitude, exponent = line.draws[:, :, None]
                cloud = amplitude * (flops / line.centre) ** exponent
                line_with_band(
                    axes,
                    flops,
                    line.at(flops),
                    draws=cloud if cloud.size else None,
                    color=colour,
                    label=scaling.approach,
                )
                axes.scatter(scaling.flops, scaling.points[name], s=8, color=colour)
            quantity_axis(axes.xaxis, "compute, FLOPs")
            quantity_axis(axes.yaxis, label)
        both[0].legend(fontsize=7)
        figure.suptitle(title)
    return figure
