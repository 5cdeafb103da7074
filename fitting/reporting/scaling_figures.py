"""Figures of compute-optimal scaling: IsoFLOP profiles, and approaches side by side."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from fitting.data.run_sizes import extent
from fitting.scaling.isoflop import IsoflopProfile
from fitting.scaling.optimal_scaling import OptimalScaling
from jaxlaws.figures.axes import (
    flops_axis,
    legend_above,
    loss_axis,
    named_in_legend,
    quantity_axis,
)
from jaxlaws.figures.lines import line_with_band
from jaxlaws.figures.style import (
    COLOURS,
    INK,
    house_style,
    new_figure,
    ordered_colours,
    set_title,
    with_lines_below,
)

_LABELS = {"num_params": "parameters", "num_tokens": "training tokens"}


def isoflop_curves(
    profiles: Sequence[IsoflopProfile], *, unit: str = "nats", title: str = ""
) -> Figure:
    """Draw loss against size or tokens at each budget, with the polynomials and their minima.

    Diamonds are minima, with bars over the central 90% of their draws. A profile without a minimum
    has a dashed curve.

    Args:
        profiles: profiles along the same input, one colour each.
        unit: of the loss.
        title: title of the figure.
    """
    along = profiles[0].along
    colours = ordered_colours(len(profiles))
    named = named_in_legend(len(profiles), 16)
    with house_style():
        figure, axes = new_figure(width=5.2, height=4.2)
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
                axes.plot(np.quantile(drawn, [0.05, 0.95]), [loss, loss], color=INK, linewidth=1)
            axes.scatter(best, loss, marker="D", s=24, color=INK, zorder=3)
        quantity_axis(axes.xaxis, _LABELS[along])
        loss_axis(axes.yaxis, unit=unit)
        legend_above(axes)
        with_lines_below(figure, ["diamonds: minima; dashed: no minimum among the runs"])
        set_title(figure, title)
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
            flops_axis(axes.xaxis)
            quantity_axis(axes.yaxis, label)
            legend_above(axes)
        set_title(figure, title)
    return figure
