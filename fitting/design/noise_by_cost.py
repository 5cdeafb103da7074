"""The noise of runs, which may change with their cost."""

import dataclasses

import numpy as np

from fitting.data.runs import Runs
from fitting.estimation.results import FitResult
from fitting.minimiser.identifiability import noise_of
from fitting.problem.objectives import LogSquares, Squares
from fitting.uncertainty.refit_problem import FitProblem
from jaxlaws.foundations.annotations import Array
from jaxlaws.trees import register_dataclass

_VARIANCE_OF_LOG = np.pi**2 / 8  # of the logarithm of the size of a normal number
_MEAN_OF_LOG = -0.6351814227  # of the same
_SLOPE = 0.15  # of the noise with the cost: its standard deviation before the runs


@register_dataclass
@dataclasses.dataclass(frozen=True)
class Noise:
    """The standard deviation of residuals, `level * (cost / pivot)**slope`."""

    level: Array
    slope: Array = 0.0
    pivot: Array = 1.0

    def at(self, costs: Array) -> Array:
        """The standard deviation for runs of some costs."""
        return self.level * (costs / self.pivot) ** self.slope

    @classmethod
    def of(
        cls, residuals: np.ndarray, costs: np.ndarray, num_free: int, *, varies: bool
    ) -> "Noise":
        """Estimate the noise from the residuals of a fit, both `(num_rows,)`.

        Args:
            residuals: of the fit.
            costs: of the runs.
            num_free: number of coefficients that were fitted.
            varies: whether the noise changes with the cost; the slope is estimated with a normal
                prior around zero.
        """
        slope, pivot = 0.0, float(np.exp(np.mean(np.log(costs))))
        if varies:
            x = np.log(costs / pivot)
            y = np.log(np.maximum(np.abs(residuals), 1e-12)) - _MEAN_OF_LOG
            y -= np.median(y)
            slope = float(x @ y / (x @ x + _VARIANCE_OF_LOG / _SLOPE**2))
        scaled = residuals / (costs / pivot) ** slope
        spare = max(len(residuals) - num_free, 1)
        return cls(float(np.sqrt(np.sum(np.square(scaled)) / spare)), slope, pivot)


def noise_of_fit(
    fitted: FitProblem, result: FitResult, runs: Runs, costs: np.ndarray, *, varies: bool
) -> Noise:
    """The noise of a fit: of least squares the root mean square, otherwise a robust estimate."""
    called = runs.for_law(type(result.law))
    inputs = {name: called.inputs[name] for name in type(result.law).input_names}
    residuals = np.asarray(
        result.options.objective.residuals(result.law.loss(**inputs), called.loss)
    )
    num_free = len(fitted.vector)
    noise = Noise.of(residuals, costs, num_free, varies=varies)
    if isinstance(result.options.objective, (LogSquares, Squares)):
        return noise
    spare = max(len(residuals) - num_free, 1)
    robust = noise_of(residuals / (costs / noise.pivot) ** noise.slope)
    return dataclasses.replace(noise, level=robust * float(np.sqrt(len(residuals) / spare)))
