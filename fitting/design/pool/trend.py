"""What few runs tell about other runs without a law: a trend, and how far off it may be."""

from collections.abc import Mapping

import numpy as np

_FLOORS = (0.6, 0.7, 0.8, 0.9)  # of the lowest loss
# In e-folds of the loss above the floor:
_SLOPE = 1.0  # for a standard deviation of an input, before the runs
_DEVIATIONS = (0.05, 0.15)  # from a power of each input
_SCATTERS = (0.003, 0.01, 0.03, 0.1)
_HIGHEST = 3.0  # above the known losses
_LENGTH = 2.0  # over which deviations are alike, in standard deviations of an input
_MOST_KNOWN = 256


def axes_of(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """The inputs, in logarithms where all are above zero, with mean 0 and standard deviation 1.

    Returns:
        `(num_runs, num_inputs)`, without inputs that do not vary.
    """
    columns = [np.log(x) if np.all(x > 0) else x for x in inputs.values()]
    varied = [x for x in columns if np.ptp(x) > 0] or [np.arange(len(columns[0]), dtype=float)]
    return np.stack([(x - x.mean()) / x.std() for x in varied], axis=1)


def spread_places(axes: np.ndarray, number: int) -> np.ndarray:
    """Places of points that are spread over all: each is the one farthest from those before."""
    if len(axes) <= number:
        return np.arange(len(axes))
    places = [int(np.argmin(np.sum(np.square(axes - axes.mean(axis=0)), axis=1)))]
    nearest = np.full(len(axes), np.inf)
    while len(places) < number:
        apart = np.sum(np.square(axes - axes[places[-1]]), axis=1)
        nearest = np.minimum(nearest, apart)
        places.append(int(np.argmax(nearest)))
    return np.sort(places)


def likeness(axes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The correlation of what two runs have beyond a linear trend, `(num_runs, num_others)`."""
    squares = np.sum(np.square(axes[:, None] - others[None]), axis=-1)
    return np.exp(-0.5 * squares / _LENGTH**2)


def trend_of(
    axes: np.ndarray, known: np.ndarray, losses: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The losses of all runs by a trend, and their standard deviations, `(num_runs,)` each.

    The logarithm of a loss above a floor is linear in the axes, so that the loss falls with a power
    of each input. A smooth deviation (a Gaussian process) and scatter are added. Several floors,
    deviations and amounts of scatter count by their likelihood; the standard deviation covers the
    differences between them, and grows with the distance from the known runs. Losses that may be
    zero or negative are linear themselves.

    Args:
        axes: the inputs, see `axes_of`.
        known: the places of runs with known losses.
        losses: of these.
    """
    few = spread_places(axes[known], _MOST_KNOWN)
    known, losses = known[few], losses[few]
    size = float(np.std(losses)) or 1.0
    if np.any(losses <= 0):
        floors, bases = np.array([-np.inf]), np.array([losses / size])
    else:
        floors = np.array(_FLOORS) * losses.min()
        bases = np.log(losses[None] - floors[:, None])
    linear = 1 + _SLOPE**2 * axes @ axes[known].T
    alike = likeness(axes, axes[known])
    means, variances, chances = [], [], []
    for deviation in _DEVIATIONS:
        across = linear + deviation**2 * alike
        own = np.sum(np.square(axes), axis=1) * _SLOPE**2 + 1 + deviation**2
        for scatter in _SCATTERS:
            root = np.linalg.cholesky(across[known] + scatter**2 * np.eye(len(known)))
            typical = bases.mean(axis=1, keepdims=True)
            white = np.linalg.solve(root, (bases - typical).T)
            seen = np.linalg.solve(root, across.T)
            means.append(typical + white.T @ seen)
            variances.append(own - np.sum(np.square(seen), axis=0) + scatter**2)
            # A loss is as likely as its logarithm above the floor, divided by the loss above it.
            slopes = np.where(np.isfinite(floors), bases.sum(axis=1), 0.0)
            each = -0.5 * np.sum(np.square(white), axis=0) - slopes
            chances.append(each - np.log(np.diagonal(root)).sum())
    mean, chance = np.array(means), np.array(chances)
    sd = np.sqrt(np.maximum(np.array(variances), 0.0))[:, None] * np.ones_like(mean)
    if np.isfinite(floors[0]):
        mean = floors[None, :, None] + np.exp(np.minimum(mean, _HIGHEST + bases.max()))
        sd = np.minimum(sd, 1.0) * (mean - floors[None, :, None])
    else:
        mean, sd = size * mean, size * sd
    shares = np.exp(chance - chance.max())[:, :, None]
    shares /= shares.sum()
    best = np.sum(shares * mean, axis=(0, 1))
    return best, np.sqrt(np.sum(shares * (np.square(sd) + np.square(mean - best)), axis=(0, 1)))
