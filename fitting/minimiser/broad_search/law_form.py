"""How the predictions of a law depend on its coefficients: which of them enter linearly.

Most laws are linear in some coefficients (`E`, `A` and `B` of `E + A / N**alpha + B / D**beta`) for
given values of the others. Some become linear by a change of variable: `exp(b)` in place of `b`, or
the logarithm of the whole prediction.
"""

import dataclasses
import enum
import itertools
from collections.abc import Callable

import numpy as np

from fitting.problem.parameters import FreeNumber
from jaxlaws.pytree import Domain

# Linearity is tested at random points, one for each of these sizes of steps.
_STEPS = 10.0 ** np.array([0, 0, 0, 0, 0, 0, -3, -6, -9, 3, 6, 9, 12, 15, 18])
_SAME = 1e-8  # relative: smaller second differences of a prediction are rounding
_FELT = 1e-5  # relative: a coefficient that changes predictions by less has no effect at a probe


class Role(enum.Enum):
    """How a number enters a prediction, or the logarithm of a prediction."""

    NONLINEAR = "nonlinear"
    LINEAR = "linear"
    EXPONENTIAL = "linear in its exponential"
    LOGARITHMIC = "linear in its logarithm"


@dataclasses.dataclass(frozen=True)
class Form:
    """How a law depends on its free numbers.

    Attributes:
        is_log: whether the logarithm of the prediction is linear in some numbers, instead of the
            prediction itself.
        roles: the role of each free number.
    """

    is_log: bool
    roles: tuple[Role, ...]

    @property
    def linear(self) -> np.ndarray:
        """Places of the numbers that least squares can find."""
        return np.flatnonzero([role is not Role.NONLINEAR for role in self.roles])

    @property
    def nonlinear(self) -> np.ndarray:
        """Places of the other numbers."""
        return np.flatnonzero([role is Role.NONLINEAR for role in self.roles])


def is_plain(number: FreeNumber) -> bool:
    """Whether a number is represented by the value of its coefficient."""
    return number.domain is not Domain.UNIT_INTERVAL and not number.has_bounds


def to_vectors(free: tuple[FreeNumber, ...], values: np.ndarray) -> np.ndarray:
    """The unconstrained numbers of values of coefficients, both `(..., num_free)`.

    A number that is not plain is a value already.
    """
    has_softplus = np.array([is_plain(n) and n.domain is Domain.POSITIVE for n in free])
    with np.errstate(all="ignore"):
        inverse = values + np.log(-np.expm1(-values))
    return np.where(has_softplus, inverse, values)


def form_of(
    free: tuple[FreeNumber, ...],
    predictions: Callable[[np.ndarray], np.ndarray],
    random: np.random.Generator,
    *,
    may_be_log: bool,
) -> Form:
    """Find out how a law depends on its free numbers, from second differences at random points.

    A number is linear where a prediction has no second difference along it. Numbers are linear
    together where the prediction has no mixed second difference either.

    Args:
        free: the free numbers.
        predictions: from vectors `(num_points, num_free)` to predictions `(num_points, num_rows)`.
        random: draws the random points.
        may_be_log: whether all observed outcomes have a logarithm.
    """
    forms = [_form(free, predictions, random, is_log=False)]
    if may_be_log:
        forms.append(_form(free, predictions, random, is_log=True))
    return max(forms, key=lambda form: len(form.linear))


def _form(
    free: tuple[FreeNumber, ...],
    predictions: Callable[[np.ndarray], np.ndarray],
    random: np.random.Generator,
    *,
    is_log: bool,
) -> Form:
    num_free = len(free)
    changed = Role.LOGARITHMIC if is_log else Role.EXPONENTIAL
    domain = Domain.POSITIVE if is_log else Domain.REAL
    candidates = [
        (place, role)
        for place, number in enumerate(free)
        if is_plain(number)
        for role in (Role.LINEAR, changed)
        if role is Role.LINEAR or number.domain is domain
    ]
    if not candidates:
        return Form(is_log, (Role.NONLINEAR,) * num_free)
    # Half of the points have coefficients near one, the others of all sizes.
    least = np.where(np.arange(len(_STEPS)) % 2, -2.0, -14.0)[:, None]
    sizes = random.uniform(least, 0.5, size=(len(_STEPS), num_free))
    base = random.normal(size=sizes.shape) * 10.0**sizes
    positive = [number.domain is Domain.POSITIVE for number in free]
    base = np.where(positive, np.abs(base), base)
    steps = random.uniform(0.2, 1.0, size=(len(_STEPS), len(candidates))) * _STEPS[:, None]
    pairs = list(itertools.combinations_with_replacement(range(len(candidates)), 2))

    def moved(values: np.ndarray, which: int) -> np.ndarray:
        place, role = candidates[which]
        entered, step = values[:, place], steps[:, which]
        if role is Role.EXPONENTIAL:
            entered = np.logaddexp(entered, np.log(step))
        elif role is Role.LOGARITHMIC:
            entered = entered * np.exp(np.minimum(step, 30.0))
        else:
            entered = entered + step
        values = values.copy()
        values[:, place] = entered
        return values

    points = [base, *(moved(base, i) for i in range(len(candidates)))]
    points += [moved(moved(base, i), j) for i, j in pairs]
    with np.errstate(all="ignore"):
        vectors = to_vectors(free, np.concatenate(points))
        found = predictions(vectors).reshape(len(points), len(_STEPS), -1)
        found = np.log(found) if is_log else found
        size = np.abs(found)
        ones, twos = found[1 : len(candidates) + 1], found[len(candidates) + 1 :]
        changes = np.where(np.isfinite(ones), np.abs(ones - found[0]), 0.0)
        felt = changes > _FELT * np.maximum(size[0], 1e-300)
        has_effect = np.array([np.any(each) for each in felt])
        is_linear = np.zeros((len(candidates),) * 2, dtype=bool)
        for (i, j), both in zip(pairs, twos, strict=True):
            second = both - ones[i] - ones[j] + found[0]
            largest = np.max(np.abs([both, ones[i], ones[j], found[0]]), axis=0)
            known = np.isfinite(second)
            is_linear[i, j] = is_linear[j, i] = bool(
                known.any() and np.all(np.abs(second[known]) <= _SAME * largest[known])
            )
    able = [i for i in range(len(candidates)) if is_linear[i, i] and has_effect[i]]
    best: list[int] = []
    for first in able:
        chosen = [first]
        for i in able:
            if i != first and all(
                is_linear[i, j] and candidates[i][0] != candidates[j][0] for j in chosen
            ):
                chosen.append(i)
        best = max(best, chosen, key=len)
    roles = [Role.NONLINEAR] * num_free
    for i in best:
        roles[candidates[i][0]] = candidates[i][1]
    return Form(is_log, tuple(roles))
