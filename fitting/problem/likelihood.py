"""The likelihood that goes with an objective: densities `exp(-cost(r) / tau) / Z(tau)`.

The spread `tau` of the residuals is fitted with the law. Least squares go with normal noise, whose
variance is tau; Huber's cost goes with noise with a normal middle and exponential tails. Student's
t has a scale of its own, and its tau is 1.
"""

import functools
import math

import numpy as np

from fitting.problem.objectives import (
    AsymmetricHuber,
    Huber,
    LogSquares,
    Objective,
    Squares,
    StudentT,
)

_GOLDEN = (5**0.5 - 1) / 2
_SAME_SCALE = 1e-8  # relative
_MOST_STEPS = 10_000


@functools.singledispatch
def log_normaliser(objective: Objective, tau: float) -> float:
    """`log Z(tau)`, the integral of `exp(-cost(r) / tau)` over all residuals.

    >>> round(log_normaliser(LogSquares(), 1.0), 6)
    0.918939

    Raises:
        TypeError: the integral for this objective is not known; register a function for an
            objective of your own.
    """
    raise TypeError(
        f"the objective {objective!r} has no likelihood: use LogSquares(), Squares(), "
        "Huber(delta) or AsymmetricHuber(delta, over), or register a function with "
        "fitting.problem.likelihood.log_normaliser"
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
    """The logarithm of the integral over one side of Huber's density."""
    middle = math.sqrt(math.pi * tau / 2) * math.erf(delta / math.sqrt(2 * tau))
    return math.log(middle + tau / delta * math.exp(-(delta**2) / (2 * tau)))


def spread(objective: Objective, total: float, num_runs: int) -> float:
    """The most likely tau for a sum of costs; 1 for Student's t, which has a scale of its own.

    >>> round(spread(LogSquares(), total=2.0, num_runs=4), 9)
    1.0
    """
    if isinstance(objective, StudentT):
        return 1.0
    if isinstance(objective, (LogSquares, Squares)):
        return 2 * total / num_runs

    normaliser = log_normaliser.dispatch(type(objective))

    # The negative log likelihood is convex in 1 / tau, so it has one minimum in log tau.
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


def deviance(objective: Objective, total: float, num_runs: int) -> float:
    """Minus twice the log likelihood of residuals, at the most likely spread.

    Objectives of log residuals give the likelihood of the logarithms of the losses, and `Squares`
    gives that of the losses. Only deviances by the same objective can be compared.

    Args:
        objective: the objective of the fit.
        total: its value, the sum over runs.
        num_runs: number of runs.

    Raises:
        TypeError: no likelihood goes with the objective.
        ValueError: the law predicts every run exactly, so that the likelihood is infinite.
    """
    if not total > 0:
        raise ValueError("the law predicts every run exactly: the likelihood is infinite")
    if isinstance(objective, StudentT):
        dof, scale = float(objective.dof), float(objective.known_scale())
        norm = math.lgamma(dof / 2) - math.lgamma((dof + 1) / 2) + 0.5 * math.log(math.pi * dof)
        return 2 * (total + num_runs * (norm + math.log(scale)))
    tau = spread(objective, total, num_runs)
    return 2 * (total / tau + num_runs * log_normaliser(objective, tau))


def student_t_scale(residuals: np.ndarray, weights: np.ndarray, dof: float) -> float:
    """The most likely scale of residuals under Student's t, by the EM algorithm.

    Args:
        residuals: residual of each run, `(num_runs,)`.
        weights: weight of each run, 1 on average, `(num_runs,)`.
        dof: degrees of freedom.

    Raises:
        ValueError: so many residuals are zero that the most likely scale is zero.

    >>> round(student_t_scale(np.array([-1.0, 1.0, -1.0, 1.0]), np.ones(4), dof=4.0), 6)
    1.0
    """
    squares = np.square(residuals)
    scale = float(np.median(np.abs(residuals))) or float(np.sqrt(squares.mean()))
    if np.mean(weights * (squares == 0)) >= dof / (dof + 1):
        raise ValueError("the law predicts most runs exactly: there is no scale to fit")
    for _ in range(_MOST_STEPS):
        shares = weights * (dof + 1) / (dof + squares / scale**2)
        before, scale = scale, float(np.sqrt(np.mean(shares * squares)))
        if abs(scale / before - 1) < _SAME_SCALE:
            break
    return scale
