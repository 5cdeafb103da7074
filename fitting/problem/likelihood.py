"""The likelihood that goes with an objective: densities `exp(-cost(r) / tau) / Z(tau)`.

The spread `tau` of the residuals is fitted beside the law. Least squares are then normal noise
(tau its variance), Huber's cost is noise with a normal middle and exponential tails, and
Student's t with its own scale is itself at tau = 1.
"""

import functools
import math
from typing import Any

import numpy as np

from fitting.problem.objectives import AsymmetricHuber, Huber, LogSquares, Squares, StudentT

_GOLDEN = (5**0.5 - 1) / 2


@functools.singledispatch
def log_normaliser(objective: Any, tau: float) -> float:
    """`log Z(tau)`, the integral of `exp(-cost(r) / tau)` over all residuals.

    >>> round(log_normaliser(LogSquares(), 1.0), 6)
    0.918939

    Raises:
        TypeError: none is known for the objective; register one for your own.
    """
    raise TypeError(
        f"no likelihood is known that goes with {objective!r}: take LogSquares(), Squares(), "
        "Huber(delta) or AsymmetricHuber(delta, over), or register one with "
        "likelihood.log_normaliser"
    )


@log_normaliser.register
def _(objective: LogSquares | Squares, tau: float) -> float:
    return 0.5 * math.log(2 * math.pi * tau)


@log_normaliser.register
def _(objective: Huber, tau: float) -> float:
    return math.log(2) + _log_half(float(objective.delta), tau)


@log_normaliser.register
def _(objective: AsymmetricHuber, tau: float) -> float:
    delta, over = float(objective.delta), float(objective.over)
    return float(np.logaddexp(_log_half(delta, tau), _log_half(delta, tau / over)))


def _log_half(delta: float, tau: float) -> float:
    """The log of the integral over one side of Huber's density."""
    middle = math.sqrt(math.pi * tau / 2) * math.erf(delta / math.sqrt(2 * tau))
    return math.log(middle + tau / delta * math.exp(-(delta**2) / (2 * tau)))


def spread(objective: Any, total: float, num_runs: int) -> float:
    """The likeliest tau for a sum of costs; 1 for Student's t, which has a scale of its own.

    >>> round(spread(LogSquares(), total=2.0, num_runs=4), 9)
    1.0
    """
    if isinstance(objective, StudentT):
        return 1.0
    if isinstance(objective, (LogSquares, Squares)):
        return 2 * total / num_runs

    normaliser = log_normaliser.dispatch(type(objective))

    # The negative log likelihood is convex in 1 / tau, so it has one minimum along log tau.
    def cost(log_tau: float) -> float:
        tau = math.exp(log_tau)
        return total / tau + num_runs * normaliser(objective, tau)

    low, high = math.log(total / num_runs) - 20, math.log(total / num_runs) + 20
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = cost(left), cost(right)
    while high - low > 1e-9:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = cost(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = cost(right)
    return math.exp((low + high) / 2)


def deviance(objective: Any, total: float, num_runs: int) -> float:
    """Minus twice the log likelihood of residuals, at the likeliest spread.

    Of log residuals it is the likelihood of the logs of losses, of `Squares` that of the losses:
    compare laws by one objective only.

    Args:
        objective: what was minimised.
        total: its value, the sum over runs.
        num_runs: their number.

    Raises:
        TypeError: no likelihood goes with the objective.
        ValueError: the law predicts every run exactly, so that the likelihood has no end.
    """
    if not total > 0:
        raise ValueError("the law predicts every run exactly: the likelihood has no end")
    if isinstance(objective, StudentT):
        dof, scale = float(objective.dof), float(objective.scale)
        norm = math.lgamma(dof / 2) - math.lgamma((dof + 1) / 2) + 0.5 * math.log(math.pi * dof)
        return 2 * (total + num_runs * (norm + math.log(scale)))
    tau = spread(objective, total, num_runs)
    return 2 * (total / tau + num_runs * log_normaliser(objective, tau))
