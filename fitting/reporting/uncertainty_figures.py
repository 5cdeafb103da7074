"""Figures of the uncertainty of a fit: intervals, profile likelihoods, clouds of draws."""

import statistics
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from fitting.estimation.results import FitResult
from fitting.reporting.fit_summary import undetermined
from fitting.uncertainty.profile_likelihood import Profile
from jaxlaws.figures.axes import loss_axis, quantity_axis
from jaxlaws.figures.style import (
    COLOURS,
    RULE,
    house_style,
    new_figure,
    set_title,
    with_lines_below,
)
from jaxlaws.foundations.law import coefficients


def _moving_draws(result: FitResult) -> dict[str, np.ndarray]:
    """The draws of each coefficient that the runs determine and that moves, by name."""
    draws = coefficients(result.usable_ensemble())
    open_names = undetermined(result)
    return {n: each for n, each in draws.items() if np.ptp(each) > 0 and n not in open_names}


def intervals(result: FitResult, *, title: str = "") -> Figure:
    """Draw the central intervals of each coefficient, as multiples of its fitted value.

    Thick lines are 50% intervals, thin lines 90% intervals, dots the medians of the draws. A
    coefficient with a negative value is divided by its absolute value.

    Args:
        result: a fit with a bootstrap.
        title: title of the figure.
    """
    draws = _moving_draws(result)
    values = coefficients(result.law)
    with house_style():
        figure, axes = new_figure(width=5.0, height=1.1 + 0.28 * len(draws))
        for row, (name, drawn) in enumerate(draws.items()):
            ratio = drawn / abs(values[name])
            for tail, width in ((0.05, 1.2), (0.25, 4.0)):
                ends = np.quantile(ratio, [tail, 1 - tail])
                axes.plot(ends, [row, row], color=COLOURS[0], linewidth=width)
            axes.plot(np.median(ratio), row, "o", color="white", markersize=3, zorder=3)
        axes.axvline(1, color=RULE, linewidth=0.8, zorder=0)
        labels = [f"{name} = {float(values[name]):.4g}" for name in draws]
        axes.set_yticks(range(len(draws)), labels)
        axes.set_ylim(len(draws) - 0.4, -0.6)
        if all(np.all(drawn > 0) for drawn in draws.values()):
            quantity_axis(axes.xaxis, "multiples of the fitted value")
        else:
            loss_axis(axes.xaxis, "multiples of the fitted value", "")
        notes = ["thick: central 50% of the draws; thin: 90%; dot: median"]
        open_names = undetermined(result)
        notes += [f"not shown, because not determined: {', '.join(open_names)}"] * bool(open_names)
        with_lines_below(figure, ["; ".join(notes)])
        set_title(figure, title)
    return figure


def profile_likelihoods(profiles: Sequence[Profile], *, title: str = "") -> Figure:
    """Draw the deviance of each profile against its coefficient or quantity.

    The dashed line is the quantile of the profile's level. The dotted lines are the ends of its
    interval.

    Args:
        profiles: the profiles, one plot each.
        title: title of the figure.
    """
    with house_style():
        figure, all_axes = new_figure(len(profiles), width=2.6, height=3.0)
        for axes, profile in zip(np.atleast_1d(all_axes), profiles, strict=True):
            quantile = statistics.NormalDist().inv_cdf((1 + profile.level) / 2) ** 2
            # A little more than the interval. Beyond it the curve leaves the plot.
            shown = profile.deviances <= 4 * quantile
            axes.plot(profile.values[shown], profile.deviances[shown])
            axes.axhline(quantile, color=RULE, linewidth=0.8, linestyle="--")
            for end in profile.interval:
                if profile.values[shown].min() <= end <= profile.values[shown].max():
                    axes.axvline(end, color=RULE, linewidth=0.8, linestyle=":")
            axes.set_ylim(0, 3 * quantile)
            loss_axis(axes.xaxis, profile.name, "")
            axes.tick_params(axis="x", labelrotation=30)
        np.atleast_1d(all_axes)[0].set_ylabel("deviance above that of the fit")
        level = f"dashed: the deviance of the {profiles[0].level:.0%} interval"
        with_lines_below(figure, [f"{level}; dotted: the ends of the interval"])
        set_title(figure, title)
    return figure


def bootstrap_cloud(
    result: FitResult, *, names: Sequence[str] | None = None, title: str = ""
) -> Figure:
    """Draw the bootstrap draws of each pair of coefficients, which shows their correlation.

    Args:
        result: a fit with a bootstrap.
        names: two coefficients or more; None: the first five that the runs determine, those of
            the law itself before those of its sub-laws.
        title: title of the figure.

    Raises:
        ValueError: there are fewer than two names, or a name is not of a coefficient that differs
            between draws.
    """
    draws = _moving_draws(result)
    own_first = sorted(draws, key=lambda name: "." in name)
    names = own_first[:5] if names is None else list(names)
    if len(names) < 2 or not set(names) <= set(draws):
        raise ValueError(f"expected two or more of {', '.join(draws)}, got {', '.join(names)}")
    best = coefficients(result.law)
    size = len(names) - 1
    with house_style():
        figure, grid = new_figure(size, size, width=1.9, height=1.7)
        for row, below in enumerate(names[1:]):
            for column, left in enumerate(names[:-1]):
                axes = np.atleast_2d(grid)[row, column]
                if column > row:
                    axes.set_visible(False)
                    continue
                look = {"s": 4, "alpha": 0.4, "linewidth": 0, "rasterized": True}
                axes.scatter(draws[left], draws[below], **look)
                axes.plot(best[left], best[below], "x", color=COLOURS[1])
                sides = ((axes.xaxis, left, row == size - 1), (axes.yaxis, below, column == 0))
                for axis, name, outer in sides:
                    label = name if outer else ""
                    if np.all(draws[name] > 0) and np.ptp(np.log(draws[name])) > 1:
                        quantity_axis(axis, label)
                    else:
                        loss_axis(axis, label, "", num_ticks=3)
                    axis.set_tick_params(labelsize=7)
                axes.tick_params(axis="x", labelrotation=45)
        with_lines_below(figure, ["points: draws of the bootstrap; cross: the fit"])
        set_title(figure, title)
    return figure
