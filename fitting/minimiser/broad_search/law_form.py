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

# Linearity is tested at random points, one for each of these sizes of steps. Every second point has
# coefficients near one, the others have coefficients of all sizes.
_STEPS = 10.0 ** np.repeat([0, 0, 0, -3, -6, -9, -12, 3, 6, 9, 12, 15, 18], 4)
_SAME = 1e-8  # relative: smaller second differences of a prediction are rounding
_NEARLY_SAME = 1e-2  # the same where a search ends, at which rounding can be large
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


def possible_forms(
    free: tuple[FreeNumber, ...],
    predictions: Callable[[np.ndarray], np.ndarray],
    random: np.random.Generator,
    *,
    may_be_log: bool,
) -> list[Form]:
    """Find out how a law depends on its free numbers, from second differences at random points.

    A number is linear where a prediction has no second difference along it. Numbers are linear
    together where the prediction has no mixed second difference either.

    Args:
        free: the free numbers.
        predictions: from vectors `(num_points, num_free)` to predictions `(num_points, num_rows)`.
        random: draws the random points.
        may_be_log: whether all observed outcomes have a logarithm.

    Returns:
        The forms, those with the most linear numbers first. Where one term of the law outweighs the
        others at all random points, a form can be wrong (see `is_plausible`); the last has no
        linear number.
    """
    forms = [_form(free, predictions, random, is_log=False)]
    if may_be_log:
        forms.append(_form(free, predictions, random, is_log=True))
    forms.sort(key=lambda form: -len(form.linear))
    return list(dict.fromkeys([*forms, Form(False, (Role.NONLINEAR,) * len(free))]))


def is_plausible(
    form: Form,
    free: tuple[FreeNumber, ...],
    predictions: Callable[[np.ndarray], np.ndarray],
    vectors: np.ndarray,
) -> bool:
    """Whether a form holds at most of the points that a search has found with it.

    Args:
        form: the form.
        free: the free numbers.
        predictions: from vectors `(num_points, num_free)` to predictions `(num_points, num_rows)`.
        vectors: the points, `(num_points, num_free)`.
    """
    candidates = [(place, form.roles[place]) for place in form.linear]
    if not candidates:
        return True
    softplus = [n.domain is Domain.POSITIVE and is_plain(n) for n in free]
    with np.errstate(all="ignore"):
        base = np.where(softplus, np.logaddexp(vectors, 0.0), vectors)
        values = base[:, form.linear]
        is_exponential = [role is Role.EXPONENTIAL for _, role in candidates]
        sizes = np.where(is_exponential, np.exp(values), np.abs(values))
        is_log = [role is Role.LOGARITHMIC for _, role in candidates]
        steps = np.where(is_log, 1.0, np.where(sizes > 0, sizes, 1.0)) / 2
        second, largest, _ = _second_differences(
            free, predictions, candidates, base, steps, is_log=form.is_log
        )
        holds = np.all(np.abs(second) <= _NEARLY_SAME * largest, axis=(0, 2))
    return bool(np.mean(holds) >= 0.5)


def _form(
    free: tuple[FreeNumber, ...],
    predictions: Callable[[np.ndarray], np.ndarray],
    random: np.random.Generator,
    *,
    is_log: bool,
) -> Form:
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
        return Form(is_log, (Role.NONLINEAR,) * len(free))
    least = np.where(np.arange(len(_STEPS)) % 2, -2.0, -14.0)[:, None]
    sizes = random.uniform(least, 0.5, size=(len(_STEPS), len(free)))
    base = random.normal(size=sizes.shape) * 10.0**sizes
    positive = [number.domain is Domain.POSITIVE for number in free]
    base = np.where(positive, np.abs(base), base)
    steps = random.uniform(0.2, 1.0, size=(len(_STEPS), len(candidates))) * _STEPS[:, None]
    with np.errstate(all="ignore"):
        second, largest, found = _second_differences(
            free, predictions, candidates, base, steps, is_log=is_log
        )
        changes = np.abs(found[1:] - found[0])
        changes = np.where(np.isfinite(changes), changes, 0.0)
        felt = changes > _FELT * np.maximum(np.abs(found[0]), 1e-300)
        has_effect = np.any(felt, axis=(1, 2))
        known = np.isfinite(second)
        agree = known.any(axis=(1, 2)) & np.all(
            ~known | (np.abs(second) <= _SAME * largest), axis=(1, 2)
        )
    places = np.array([place for place, _ in candidates])
    together = np.zeros((len(candidates),) * 2, dtype=bool)
    together[tuple(np.array(_pairs(len(candidates))).T)] = agree
    able = np.flatnonzero(np.diag(together) & has_effect)
    together = (together | together.T) & (places[:, None] != places)  # a number has one role
    roles = [Role.NONLINEAR] * len(free)
    for i in _most_together(able, together):
        place, role = candidates[i]
        roles[place] = role
    return Form(is_log, tuple(roles))


def _most_together(able: np.ndarray, together: np.ndarray) -> list[int]:
    """The longest list of indices any two of which go together, by a greedy search from each."""
    best: list[int] = []
    for first in able:
        chosen = [first]
        for i in able:
            if together[i, chosen].all():
                chosen.append(i)
        best = max(best, chosen, key=len)
    return best


def _pairs(count: int) -> list[tuple[int, int]]:
    return list(itertools.combinations_with_replacement(range(count), 2))


def _second_differences(
    free: tuple[FreeNumber, ...],
    predictions: Callable[[np.ndarray], np.ndarray],
    candidates: list[tuple[int, Role]],
    base: np.ndarray,
    steps: np.ndarray,
    *,
    is_log: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Second differences of predictions, or of their logarithms, along pairs of numbers.

    Args:
        free: the free numbers.
        predictions: from vectors `(num_points, num_free)` to predictions `(num_points, num_rows)`.
        candidates: places of numbers, and their roles.
        base: values of the coefficients, `(num_points, num_free)`.
        steps: of what enters linearly, `(num_points, num_candidates)`.
        is_log: whether the logarithms count.

    Returns:
        The second differences, and the largest prediction of each, `(num_pairs, num_points,
        num_rows)`; and the predictions at the points and after each step, `(1 + num_candidates,
        num_points, num_rows)`.
    """

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

    count, pairs = len(candidates), _pairs(len(candidates))
    points = [base, *(moved(base, i) for i in range(count))]
    points += [moved(points[1 + i], j) for i, j in pairs]
    found = predictions(to_vectors(free, np.concatenate(points)))
    found = found.reshape(len(points), len(base), -1)
    found = np.log(found) if is_log else found
    first, second = np.array(pairs).T
    ones, twos = found[1 : count + 1], found[count + 1 :]
    parts = twos, ones[first], ones[second], np.broadcast_to(found[0], twos.shape)
    return (
        parts[0] - parts[1] - parts[2] + parts[3],
        np.max(np.abs(parts), axis=0),
        found[: count + 1],
    )
