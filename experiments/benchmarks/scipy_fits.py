"""Chinchilla fits with SciPy, with analytic gradients and the logs of E, A and B."""

import numpy as np
from scipy.optimize import OptimizeResult, curve_fit, minimize

from jaxlaws.foundations.annotations import Array

_DELTA = 1e-3


class ChinchillaFit:
    """Sum of Huber's cost of log residuals (Hoffmann et al. 2022, Eq. 3), in units of delta."""

    def __init__(self, num_params: np.ndarray, num_tokens: np.ndarray, loss: np.ndarray) -> None:
        self.log_n, self.log_d, self.log_loss = np.log(num_params), np.log(num_tokens), np.log(loss)

    def residuals_and_slopes(self, theta: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return the log residuals and their derivatives in (log E, log A, alpha, log B, beta)."""
        log_e, log_a, alpha, log_b, beta = theta
        terms = np.stack(
            [np.full_like(self.log_n, log_e), log_a - alpha * self.log_n, log_b - beta * self.log_d]
        )
        highest = terms.max(axis=0)
        parts = np.exp(terms - highest)
        total = parts.sum(axis=0)
        of_e, of_n, of_d = parts / total
        residuals = highest + np.log(total) - self.log_loss
        return residuals, [of_e, of_n, -self.log_n * of_n, of_d, -self.log_d * of_d]

    def __call__(self, theta: np.ndarray, weights: Array = 1.0) -> tuple[float, np.ndarray]:
        """Return the cost and its gradient."""
        residuals, slopes = self.residuals_and_slopes(theta)
        inside = np.clip(residuals, -_DELTA, _DELTA)
        cost = np.sum(weights * inside * (residuals - inside / 2))
        pull = weights * inside / _DELTA
        return float(cost) / _DELTA, np.array([pull @ slope for slope in slopes])


def grid_of_starts(count: int) -> np.ndarray:
    """Return random points of the start grid of Hoffmann et al., `(count, 5)`."""
    random = np.random.default_rng(0)
    log_e, logs, exponents = np.arange(-1, 1.1, 0.5), np.arange(0, 26, 5.0), np.arange(0, 2.1, 0.5)
    axes = (log_e, logs, exponents, logs, exponents)
    return np.stack([random.choice(axis, count) for axis in axes], axis=1)


def from_the_grid(problem: ChinchillaFit, count: int) -> OptimizeResult:
    """Return the best of `count` L-BFGS-B fits with tight tolerances."""
    options = {"maxiter": 20_000, "maxfun": 40_000, "ftol": 1e-15, "gtol": 1e-10, "maxcor": 20}
    with np.errstate(all="ignore"):
        ends = [
            minimize(problem, start, jac=True, method="L-BFGS-B", options=options)
            for start in grid_of_starts(count)
        ]
    return min(ends, key=lambda end: end.fun if np.isfinite(end.fun) else np.inf)


def warm(problem: ChinchillaFit, start: np.ndarray, weights: Array = 1.0) -> OptimizeResult:
    """Return the BFGS fit from a given start, as for a bootstrap draw."""
    options = {"gtol": 1e-6, "maxiter": 2000}
    with np.errstate(all="ignore"):
        return minimize(problem, start, args=(weights,), jac=True, method="BFGS", options=options)


def least_squares(problem: ChinchillaFit, start: np.ndarray) -> np.ndarray:
    """Return the `curve_fit` solution: least squares of log residuals, analytic Jacobian."""

    def log_loss(_: object, *theta: float) -> np.ndarray:
        return problem.residuals_and_slopes(np.array(theta))[0] + problem.log_loss

    def jacobian(_: object, *theta: float) -> np.ndarray:
        return np.stack(problem.residuals_and_slopes(np.array(theta))[1], axis=1)

    nothing = np.zeros_like(problem.log_loss)
    return curve_fit(log_loss, nothing, problem.log_loss, start, jac=jacobian, maxfev=10_000)[0]
