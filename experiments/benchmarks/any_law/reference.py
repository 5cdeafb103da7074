"""SciPy's least squares for a law, from known coefficients or from many starts."""

import functools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import OptimizeResult, least_squares

from fitting import Objective
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.law import Law
from jaxlaws.pytree import Declaration, Domain, declarations

_LARGE = 1e100  # residuals that are not finite, or larger, count as this
_SCREENED = 4096  # random points, of which the lowest are starts
_WIDE = (-8.0, 12.0)  # decades of the coefficients of half of these points
_TIGHT = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15}


class Reference:
    """Least squares of a law whose residuals are those of an objective with squared costs."""

    def __init__(
        self,
        law_type: type[Law],
        inputs: Mapping[str, np.ndarray],
        observed: np.ndarray,
        objective: Objective,
    ) -> None:
        """Compile the residuals.

        Args:
            law_type: the class of the law.
            inputs: its inputs, `(num_runs,)` each.
            observed: outcomes, `(num_runs,)`, or `(num_runs, num_outcomes)`.
            objective: `Squares` or `LogSquares`.
        """
        self._law_type, self._declared = law_type, declarations(law_type)
        self._data = dict(inputs), jnp.asarray(observed)
        self._residuals, self._jacobian, self._many = _compiled(law_type, objective)

    def vector(self, law: Law) -> np.ndarray:
        """The coefficients of a law, `(num_coefficients,)`."""
        return np.concatenate([np.ravel(getattr(law, name)) for name in self._declared])

    def cost(self, vector: np.ndarray) -> float:
        """Half the sum of squares."""
        return 0.5 * float(np.sum(np.square(self._values(vector))))

    def descend(self, start: np.ndarray, most: int = 400) -> tuple[np.ndarray, float]:
        """The end of SciPy's least squares from some coefficients, and its cost."""
        low, high = self._bounds()
        # Steps are relative to the size of the start, which no coefficient of zero has.
        sizes = np.where(start == 0, 1.0, np.abs(start))
        inside = np.clip(start, low + 1e-300, np.where(high == 1, 1 - 1e-12, high))
        best = np.asarray(start), self.cost(start)
        options: Tree = {
            "jac": lambda p: self._slopes(p * sizes) * sizes,
            "bounds": (low / sizes, high / sizes),
            "x_scale": "jac",
            "max_nfev": most,
            **_TIGHT,
        }
        with np.errstate(all="ignore"):
            try:
                end: OptimizeResult = least_squares(
                    lambda p: self._values(p * sizes), inside / sizes, **options
                )
            except (ValueError, np.linalg.LinAlgError):
                return best
        return (end.x * sizes, float(end.cost)) if end.cost < best[1] else best

    def lowest(self, count: int, seed: int) -> float:
        """The lowest cost of many descents, from the lowest of random points."""
        random = np.random.default_rng(seed)
        points = np.concatenate([self._random(random, wide) for wide in (False, True)])
        residuals = np.concatenate(
            [np.asarray(self._many(part, *self._data)) for part in np.split(points, 16)]
        )
        costs = np.sum(np.square(_tamed(residuals)), axis=1)
        starts = points[np.argsort(costs, kind="stable")[:count]]
        return min(self.descend(start, most=200)[1] for start in starts)

    def _values(self, vector: np.ndarray) -> np.ndarray:
        return _tamed(np.asarray(self._residuals(vector, *self._data)))

    def _slopes(self, vector: np.ndarray) -> np.ndarray:
        found = np.asarray(self._jacobian(vector, *self._data))
        return np.where(np.isfinite(found), np.clip(found, -_LARGE, _LARGE), 0.0)

    def _each(self) -> list[Declaration]:
        """The declaration of each number."""
        return [d for d in self._declared.values() for _ in range(int(np.prod(d.shape)))]

    def _bounds(self) -> tuple[np.ndarray, np.ndarray]:
        low = [-np.inf if d.domain is Domain.REAL else 0.0 for d in self._each()]
        high = [1.0 if d.domain is Domain.UNIT_INTERVAL else np.inf for d in self._each()]
        return np.array(low), np.array(high)

    def _random(self, random: np.random.Generator, is_wide: bool) -> np.ndarray:
        """Random coefficients, of order one or of very different sizes."""
        domains = [d.domain for d in self._each()]
        shape = (_SCREENED // 2, len(domains))
        wide = 10 ** random.uniform(*_WIDE, size=shape)
        values = random.normal(size=shape)
        if is_wide:
            values = np.where(random.random(shape) < 0.5, wide * np.sign(values), values)
        positive = np.array([each is Domain.POSITIVE for each in domains])
        values = np.where(positive, np.abs(values), values)
        of_share = np.array([each is Domain.UNIT_INTERVAL for each in domains])
        return np.where(of_share, random.random(shape), values)


def _tamed(values: np.ndarray) -> np.ndarray:
    return np.clip(np.nan_to_num(values, nan=_LARGE), -_LARGE, _LARGE)


@functools.lru_cache(maxsize=256)
def _compiled(law_type: type[Law], objective: Objective) -> tuple[Callable[..., jax.Array], ...]:
    """The residuals for coefficients, inputs and outcomes; their derivatives; and many at once."""
    declared = declarations(law_type)

    def residuals(vector: Array, inputs: Mapping[str, Array], observed: Array) -> jax.Array:
        values, first = {}, 0
        for name, each in declared.items():
            size = int(np.prod(each.shape))
            values[name] = vector[first : first + size].reshape(each.shape)
            first += size
        predicted = law_type(**values).loss(**inputs)
        return jnp.ravel(objective.residuals(predicted, observed))

    return (
        jax.jit(residuals),
        jax.jit(jax.jacfwd(residuals)),
        jax.jit(jax.vmap(residuals, (0, None, None))),
    )
