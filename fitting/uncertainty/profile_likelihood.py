"""Profile likelihoods: the deviance of the best fit at each value of a coefficient or a quantity.

On each side of the fit, constrained fits go outwards until the deviance exceeds the quantile of the
level. A second round of fits between the last two points gives the end of the interval.
"""

import dataclasses
import statistics
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from fitting.data.runs import Runs
from fitting.estimation.results import FitResult
from fitting.problem.bijections import from_interval
from fitting.problem.centring import unit_factor
from fitting.uncertainty.constrained_fits import fit_to_targets
from fitting.uncertainty.refit_problem import FitProblem
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.law import Law, coefficient_names, coefficients
from jaxlaws.foundations.quantities import plain_number
from jaxlaws.foundations.text.cards import Card, Displayed
from jaxlaws.foundations.text.tables import Table
from jaxlaws.precision import float64

_SIGNS = (-1, 1)  # of the two sides
_SIDE = 32  # fits on each side in a round: with both sides, one block of the minimiser
_NUM_ROUNDS = 2
_NEAREST, _FARTHEST = 1e-4, 8.0  # lengths of steps from the fit, e-folds
_FARTHEST_START = 12.0  # of a free number: on a bound of its coefficient derivatives are zero
_REACHED = 0.5  # share of the way to the farthest target


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Profile(Displayed):
    """A profile likelihood.

    Attributes:
        name: name of the coefficient or of the quantity.
        value: value at the fit.
        values: values at the constrained fits, ascending, `(num_points,)`.
        deviances: twice the loss of log likelihood at each value (of log posterior density, if the
            fit has priors), with all other free coefficients and the spread of the residuals
            fitted again, `(num_points,)`. Infinite where no fit was found.
        level: level of the interval.
        interval: the values where the deviance exceeds the quantile of the chi-squared
            distribution with one degree of freedom. On a side where it never does: an edge of the
            coefficient's domain, one of its bounds, or the farthest value that the quantity can
            have (infinite, if that is beyond three thousand times its size).
    """

    name: str
    value: float
    values: np.ndarray
    deviances: np.ndarray
    level: float
    interval: tuple[float, float]

    def _card(self) -> Card:
        ends = [plain_number(end, 5) for end in (self.value, *self.interval)]
        heads = ["", "value", f"low ({self.level:.0%})", "high"]
        title = f"Profile likelihood of {self.name} from {len(self.values)} constrained fits"
        return Card(title, Table(heads, [[self.name, *ends]]))


def profile(
    result: FitResult,
    runs: Runs,
    of: str | Callable[[Law], Array],
    *,
    level: float = 0.9,
    name: str | None = None,
) -> Profile:
    """Compute the profile likelihood of a coefficient, or of a quantity that follows from a law.

    The likelihood is the one that goes with the objective of the fit, see `likelihood`. Priors
    and weights count as in the fit. Sub-laws and frozen coefficients keep their values, so the
    interval does not include their uncertainty.

    Args:
        result: the fit.
        runs: the runs of the fit.
        of: name of a free coefficient; or a function from a law to a number, written in JAX and
            twice differentiable. Take the logarithm of a number that is only known to an order of
            magnitude. Each function compiles a program; all coefficients share one.
        level: level of the interval.
        name: name of the quantity; None: the name of the function.

    Raises:
        ValueError: the coefficient is not free, the quantity is not finite at the fit, the level is
            not between 0 and 1, or the runs are not the runs of the fit.
        TypeError: the objective has no likelihood, or the quantity is not a single number.

    >>> from fitting import LogSquares, fit
    >>> from jaxlaws import presets
    >>> from jaxlaws.laws.kaplan import Kaplan
    >>> sizes, tokens = np.geomspace(1e7, 1e9, 9), np.tile([1e9, 4e9, 2e10], 3)
    >>> exact = presets.load("kaplan2020").loss(num_params=sizes, num_tokens=tokens)
    >>> loss = exact * (1 + 0.01 * np.sin(np.arange(9.0)))
    >>> runs = Runs.read({"num_params": sizes, "num_tokens": tokens, "loss": loss})
    >>> result = fit(Kaplan, runs, objective=LogSquares(), num_starts=8)
    >>> found = profile(result, runs, "alpha_N")
    >>> bool(found.interval[0] < found.value < found.interval[1])
    True
    """
    if not 0 < level < 1:
        raise ValueError(f"expected a level between 0 and 1, got {level!r}")
    quantile = statistics.NormalDist().inv_cdf((1 + level) / 2) ** 2
    with float64():
        fitted = FitProblem.of(result, runs)
        if isinstance(of, str):
            path = _along_coefficient(fitted, result.law, of)
        else:
            path = _along_function(fitted, result.law, of)
        sides = path.follow(quantile)
    _, values, deviances = np.concatenate(sides).T
    values, order = np.unique(values, return_index=True)
    low, high = (path.end(*side, quantile) for side in zip(_SIGNS, sides, strict=True))
    return Profile(
        name=name or (of if isinstance(of, str) else getattr(of, "__name__", "quantity")),
        value=path.value,
        values=values,
        deviances=deviances[order],
        level=level,
        interval=(low, high),
    )


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class _ProfilePath:
    """The constrained fits of a profile.

    Attributes:
        fitted: the fit without the constraint.
        quantity: function from a law to the quantity.
        value: the quantity of the fit.
        size: smallest distance that steps are in proportion to.
        edges: the quantity is between these.
        starts: from targets of the quantity, `(2, num_targets)`, to the free numbers where the
            fits start, `(2, num_targets, num_free)`.
    """

    fitted: FitProblem
    quantity: Partial
    value: float
    size: float
    edges: tuple[float, float]
    starts: Callable[[np.ndarray], np.ndarray]

    def follow(self, quantile: float) -> np.ndarray:
        """Fits from the fit without the constraint outwards on both sides, `(2, num_points, 3)`.

        A point is the length of the step, the quantity, and the rise of the deviance there.
        """
        points = np.array([[[0.0, self.value, 0.0]]] * 2)
        lengths = np.tile(np.geomspace(_NEAREST, _FARTHEST, _SIDE), (2, 1))
        for _ in range(_NUM_ROUNDS):
            targets = np.stack([self.targets(*side) for side in zip(_SIGNS, lengths, strict=True)])
            found = fit_to_targets(
                self.fitted, self.quantity, self.value, targets, self.starts(targets)
            )
            points = np.concatenate([points, np.stack([lengths, *found], axis=-1)], axis=1)
            points = np.take_along_axis(points, np.argsort(points[..., :1], axis=1), axis=1)
            brackets = [side[_bracket(side, quantile), 0] for side in points]
            lengths = np.stack([np.linspace(a, b, _SIDE + 2)[1:-1] for a, b in brackets])
        return points

    def targets(self, sign: int, lengths: np.ndarray) -> np.ndarray:
        """Values at some steps to one side.

        Towards an edge, the distance from the edge falls by e-folds. If there is no edge on this
        side, the distance from the other edge (or the absolute value) grows by e-folds. A distance
        below `size` grows as if it were `size`, because a coefficient may be on an edge.
        """
        edge, other = self.edges[::-sign]
        if np.isfinite(edge):
            return edge + (self.value - edge) * np.exp(-lengths)
        distance = abs(self.value - other if np.isfinite(other) else self.value)
        return self.value + sign * max(distance, self.size) * np.expm1(lengths)

    def end(self, sign: int, points: np.ndarray, quantile: float) -> float:
        """The end of the interval on one side."""
        values, rises = points[_bracket(points, quantile), 1:].T
        if np.isinf(rises[1]):
            return float(values[0])
        if rises[1] >= quantile:
            return float(np.interp(quantile**0.5, np.sqrt(np.maximum(rises, 0.0)), values))
        farthest = sign * float(np.nanmax(sign * points[:, 1]))
        way = abs(self.targets(sign, np.array(_FARTHEST)) - self.value)
        return self.edges[sign > 0] if abs(farthest - self.value) > _REACHED * way else farthest


def _bracket(points: np.ndarray, quantile: float) -> slice:
    """The first point with a rise of the deviance beyond the quantile, and the point before it.

    The last two points, if there is no such point.
    """
    beyond = np.flatnonzero(points[:, 2] >= quantile)
    last = int(beyond[0]) if len(beyond) else len(points) - 1
    return slice(last - 1, last + 1)


def _along_coefficient(fitted: FitProblem, law: Law, name: str) -> _ProfilePath:
    problem, parameters = fitted.problem, fitted.problem.parameters
    if name not in parameters.names:
        free = ", ".join(parameters.names)
        raise ValueError(f"{name!r} is not one of the free coefficients of the fit: {free}")
    number = parameters.names.index(name)
    free = parameters.free[number]
    edges = free.edges
    unit = float(free.pick(unit_factor(law, free.coefficient, problem.scales)))

    def starts(targets: np.ndarray) -> np.ndarray:
        """The fit, with the coefficient at its target: a penalty cannot move it off an edge."""
        vectors = np.tile(fitted.vector, (*targets.shape, 1))
        vectors[..., number] = from_interval(targets / unit, *edges, unit)
        return vectors

    return _ProfilePath(
        fitted=fitted,
        # The place of the coefficient is data, so that all coefficients share one program.
        quantity=Partial(_leaf, coefficient_names(law).index(name)),
        value=float(coefficients(law)[name]),
        size=1e-2 * unit,
        edges=edges,
        starts=starts,
    )


def _leaf(index: Array, law: Law) -> Array:
    return jnp.stack(list(coefficients(law).values()))[index]


def _along_function(fitted: FitProblem, law: Law, function: Callable[[Law], Array]) -> _ProfilePath:
    found = function(law)
    if len(jax.tree.leaves(found)) != 1 or np.ndim(found):
        raise TypeError(f"expected a function from a law to one number, got {found!r} from it")
    if not np.isfinite(found):
        raise ValueError(f"the quantity is {found} at the fit")
    start = np.clip(fitted.vector, -_FARTHEST_START, _FARTHEST_START)
    return _ProfilePath(
        fitted=fitted,
        quantity=Partial(function),
        value=float(found),
        size=1e-3,
        edges=(-np.inf, np.inf),
        starts=lambda targets: np.tile(start, (*targets.shape, 1)),
    )
