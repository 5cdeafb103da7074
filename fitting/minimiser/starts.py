"""Where a fit starts: points spread over a normal distribution in centred units.

In centred units coefficients are of order one, and so are their unconstrained numbers. A law that
declares no units is not centred, and its coefficients may be of any size: there the points are
spread over many orders of magnitude.
"""

import itertools
import math
import statistics

import numpy as np

from fitting.problem.centring import Scales
from fitting.problem.parameters import Parameters
from jaxlaws.inputs import INPUTS, inputs_of

STARTS = ("random", "quasi-random", "grid")

_LOSS_UNIT = INPUTS["teacher_loss"].unit
_INSIDE = 1e-12  # quasi-random points may lie on the edge of the unit cube, where normals do not


def starting_vectors(
    parameters: Parameters, scales: Scales, starts: str, num_starts: int, seed: int
) -> np.ndarray:
    """Vectors of free numbers to start from, `(num_starts, num_free)`; of a grid, perhaps fewer.

    Args:
        parameters: which coefficients are free.
        scales: of the units.
        starts: one of `STARTS`.
        num_starts: their number.
        seed: of what is random.
    """
    normal = spread_points(starts, num_starts, len(parameters.free), seed)
    kinds = inputs_of(parameters.law_type)
    sizes = {name for name, kind in kinds.items() if kind.unit != _LOSS_UNIT}
    return normal if sizes <= set(scales) else np.sinh(3 * normal)


def spread_points(starts: str, num_points: int, num_axes: int, seed: int) -> np.ndarray:
    """Points spread as a standard normal distribution, `(num_points, num_axes)`.

    `random` draws them, `quasi-random` takes the first of a scrambled Sobol sequence, which leaves
    no corner empty, `grid` takes quantiles along each axis: as many levels on each as there is room
    for, the first axes one more, so that the grid has `num_points` points or less. The seed does
    not change a grid.

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
    """Levels of each axis of the largest grid that raises them in turn."""
    levels, axis = [1] * num_axes, 0
    while math.prod(levels) // levels[axis] * (levels[axis] + 1) <= num_points:
        levels[axis] += 1
        axis = (axis + 1) % num_axes
    return levels


def _quantiles(count: int) -> list[float]:
    normal = statistics.NormalDist()
    return [normal.inv_cdf((i + 0.5) / count) for i in range(count)]
