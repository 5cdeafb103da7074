"""The starts of a fit: points of a standard normal distribution."""

import itertools
import math
import statistics
from typing import Literal, TypeAlias, get_args

import numpy as np

from fitting.problem.centring import Scales
from fitting.problem.parameters import Parameters
from jaxlaws.inputs import INPUTS, inputs_of

Starts: TypeAlias = Literal["random", "quasi-random", "grid"]
STARTS: tuple[Starts, ...] = get_args(Starts)

_LOSS_UNIT = INPUTS["teacher_loss"].unit
_INSIDE = 1e-12  # distance of quasi-random points from the edge of the unit cube


def is_centred(parameters: Parameters, scales: Scales) -> bool:
    """Whether coefficients and their unconstrained numbers are of order one in centred units.

    So it is where the law declares units with every input other than losses. The coefficients of
    another law can have any size.
    """
    kinds = inputs_of(parameters.law_type)
    return {name for name, kind in kinds.items() if kind.unit != _LOSS_UNIT} <= set(scales)


def spread_points(starts: Starts, num_points: int, num_axes: int, seed: int) -> np.ndarray:
    """Points of a standard normal distribution, `(num_points, num_axes)`.

    Args:
        starts: `random` draws the points. `quasi-random` takes the first points of a scrambled
            Sobol sequence, which leaves no corner empty. `grid` takes quantiles along each axis,
            with the largest number of levels for which the grid has at most `num_points` points;
            the first axes can have one level more than the last.
        num_points: the number of points.
        num_axes: the number of axes.
        seed: seed of the random numbers; it does not change a grid.

    >>> spread_points("grid", 10, 2, seed=0).shape
    (9, 2)
    >>> spread_points("grid", 13, 2, seed=0).shape
    (12, 2)
    """
    if starts == "random":
        return np.random.default_rng(seed).normal(size=(num_points, num_axes))
    if starts == "grid":
        axes = [_quantiles(count) for count in _levels(num_points, num_axes)]
        return np.array(list(itertools.product(*axes)))
    # SciPy's statistics take half a second to import, and only these starts need them.
    from scipy.special import ndtri
    from scipy.stats.qmc import Sobol

    sobol = Sobol(num_axes, rng=np.random.default_rng(seed))
    cube = sobol.random_base2((num_points - 1).bit_length())[:num_points]
    return ndtri(np.clip(cube, _INSIDE, 1 - _INSIDE))


def _levels(num_points: int, num_axes: int) -> list[int]:
    """The number of levels of each axis, raised in turn while the grid is not too large."""
    levels, axis = [1] * num_axes, 0
    while math.prod(levels) // levels[axis] * (levels[axis] + 1) <= num_points:
        levels[axis] += 1
        axis = (axis + 1) % num_axes
    return levels


def _quantiles(count: int) -> list[float]:
    normal = statistics.NormalDist()
    return [normal.inv_cdf((i + 0.5) / count) for i in range(count)]
