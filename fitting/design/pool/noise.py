"""The noise of few losses: known to a factor of ten before the fit, and better by its residuals.

With few runs more than coefficients, the residuals of a fit are small by chance. Where there are no
more runs than coefficients they tell nothing.
"""

import numpy as np

_DOUBT = np.log(10) / 2  # standard deviation of the logarithm of the noise, before the fit
_FACTORS = np.exp(np.linspace(-4.0, 4.0, 81) * _DOUBT)


def expected_noise(squares: float, num_spare: int, before: float) -> float:
    """The noise after a fit: the root of the mean of its square over what is likely.

    Args:
        squares: the sum of the squared residuals.
        num_spare: number of losses beyond the number of coefficients.
        before: the median of what is expected before the fit.

    >>> round(expected_noise(0.0, 0, 0.02), 3)
    0.074
    >>> round(expected_noise(3 * 0.001**2, 3, 0.02), 4)
    0.0035
    >>> round(expected_noise(100 * 0.001**2, 100, 0.02), 4)
    0.001
    """
    chances = _log_chances(squares if num_spare else 0.0, num_spare, before)
    shares = np.exp(chances - chances.max())
    return before * float(np.sqrt(shares @ np.square(_FACTORS) / shares.sum()))


def log_chances(squares: float, number: int, before: float) -> float:
    """The logarithm of the likelihood of residuals with an unknown noise, up to a constant."""
    return float(np.logaddexp.reduce(_log_chances(squares, number, before)))


def _log_chances(squares: float, number: int, before: float) -> np.ndarray:
    prior = -0.5 * np.square(np.log(_FACTORS) / _DOUBT)
    if not np.isfinite(squares):
        return np.full(len(_FACTORS), -np.inf)
    return prior - number * np.log(_FACTORS) - 0.5 * squares / np.square(_FACTORS * before)
