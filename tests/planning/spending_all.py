"""Distillation plans for many problems by brute force in NumPy, along the line that spends all.

More tokens of a student never hurt, so that the student takes all that the teacher leaves. For each
loss of the teacher the cheapest teacher is found by a scan and a golden section search. The loss of
the teacher is scanned. Around the lowest local minima, a grid of both is zoomed in on.
"""

import dataclasses
from typing import Any

import jax
import numpy as np

from jaxlaws.trees import register_dataclass
from tests.planning.in_numpy import student_loss

LEAST, MOST = 1e3, 1e17
_LOSSES, _SHARES, _GOLDEN, _BASINS, _ZOOMS = 161, 33, 8, 3, 20
_GRID = np.linspace(-1, 1, 7)
_RATIO = (np.sqrt(5) - 1) / 2


@register_dataclass
@dataclasses.dataclass(frozen=True)
class Problems:
    """Problems with `C = 6 N D` and `2 N`: arrays of one shape, and so are the law's coefficients.

    Attributes:
        law: a distillation law, one for each problem.
        flops: the budget.
        size: of a student.
        students: how many there are.
        logits: share of the logits that is charged.
        pretraining: share of the teacher's training that is charged.
    """

    law: Any
    flops: np.ndarray
    size: np.ndarray
    students: np.ndarray
    logits: np.ndarray
    pretraining: np.ndarray

    def loss(self, log_above, log_odds):
        """The student's loss.

        Args:
            log_above: logarithm of the teacher's loss above its irreducible part.
            log_odds: log odds of the part of the teacher's two terms that is due to its size.
        """
        s = self.law.supervised
        log_sum = log_above / s.gamma
        log_size = (np.log(s.A) - log_sum + np.logaddexp(0, -log_odds)) / s.alpha
        log_tokens = (np.log(s.B) - log_sum + np.logaddexp(0, log_odds)) / s.beta
        size, tokens = np.exp(log_size), np.exp(log_tokens)
        left = self.flops - self.pretraining * 6 * size * tokens
        of_token = self.students * (6 * self.size + self.logits * 2 * size)
        student_tokens = np.minimum(left / of_token, MOST)
        allowed = (student_tokens >= LEAST) & (student_tokens > 0)
        loss = student_loss(
            self.law,
            self.size,
            np.where(allowed, student_tokens, LEAST),
            s.E + np.exp(log_above),
        )
        return np.where(allowed, loss, np.inf)

    def ends(self, log_above):
        """The least and the largest log odds, such that size and tokens are within their bounds."""
        s = self.law.supervised
        log_sum = log_above / s.gamma

        def part(amplitude, exponent, value):
            return np.exp(np.log(amplitude) - exponent * np.log(value) - log_sum)

        smallest = np.maximum(part(s.A, s.alpha, MOST), 1 - part(s.B, s.beta, LEAST))
        largest = np.minimum(part(s.A, s.alpha, LEAST), 1 - part(s.B, s.beta, MOST))
        possible = largest >= smallest
        smallest, largest = np.where(possible, smallest, 0.5), np.where(possible, largest, 0.5)
        # In double precision `1 - largest` would lose digits: the odds are computed from each part.
        low = np.log(smallest) - np.log1p(-np.minimum(smallest, 1 - 1e-15))
        rest = np.where(possible, np.maximum(part(s.B, s.beta, MOST), 1 - largest), 0.5)
        high = np.log1p(-np.minimum(rest, 1 - 1e-15)) - np.log(rest)
        return low, np.maximum(low, high), possible

    def at(self, log_above, fraction):
        """The student's loss, with the log odds as a fraction of the way between their ends."""
        low, high, possible = self.ends(log_above)
        return np.where(possible, self.loss(log_above, low + (high - low) * fraction), np.inf)

    def best_of(self, log_above):
        """The least loss with a teacher of given losses, roughly, and its fraction."""
        fractions = np.linspace(0, 1, _SHARES)
        best = _with_axis(self).at(log_above[..., None], fractions).argmin(axis=-1)
        a, b = fractions[np.maximum(best - 1, 0)], fractions[np.minimum(best + 1, _SHARES - 1)]
        c, d = b - _RATIO * (b - a), a + _RATIO * (b - a)
        at_c, at_d = self.at(log_above, c), self.at(log_above, d)
        for _ in range(_GOLDEN):
            left = at_c < at_d
            a, b = np.where(left, a, c), np.where(left, d, b)
            c, d, at_c, at_d = (
                np.where(left, b - _RATIO * (b - a), d),
                np.where(left, c, a + _RATIO * (b - a)),
                np.where(left, np.nan, at_d),
                np.where(left, at_c, np.nan),
            )
            new = self.at(log_above, np.where(left, c, d))
            at_c, at_d = np.where(left, new, at_c), np.where(left, at_d, new)
        options = np.stack([fractions[best], c, d])
        losses = np.stack([self.at(log_above, fractions[best]), at_c, at_d])
        which = losses.argmin(axis=0)[None]
        return np.take_along_axis(losses, which, 0)[0], np.take_along_axis(options, which, 0)[0]


def _with_axis(problems):
    return jax.tree.map(lambda leaf: leaf[..., None], problems)


def _least(problems):
    s = problems.law.supervised

    def above(value):
        return s.gamma * np.log(s.A / value**s.alpha + s.B / value**s.beta)

    low, high = above(MOST) + 1e-12, above(LEAST) - 1e-12
    step = (high - low) / (_LOSSES - 1)
    positions = low + step * np.arange(_LOSSES)
    losses, fractions = problems.best_of(positions)
    padded = np.pad(losses, ((0, 0), (1, 1)), constant_values=np.inf)
    local = (losses <= padded[:, :-2]) & (losses <= padded[:, 2:]) & np.isfinite(losses)
    ranked = np.argsort(np.where(local, losses, np.inf), axis=1)[:, :_BASINS]
    least = losses.min(axis=1)
    # A grid of losses and fractions around each of the lowest local minima, zoomed in on.
    along, across = (each.ravel() for each in np.meshgrid(_GRID, _GRID, indexing="ij"))
    for basin in range(_BASINS):
        place = ranked[:, basin : basin + 1]
        middle = np.take_along_axis(positions, place, axis=1)
        fraction = np.take_along_axis(fractions, place, axis=1)
        width, of_fraction = 1.5 * step, 1.5 / (_SHARES - 1)
        for _ in range(_ZOOMS):
            near = np.clip(middle + width * along, low, high)
            near_fraction = np.clip(fraction + of_fraction * across, 0, 1)
            losses = problems.at(near, near_fraction)
            best = losses.argmin(axis=1)[:, None]
            least = np.minimum(least, losses.min(axis=1))
            middle = np.take_along_axis(near, best, axis=1)
            fraction = np.take_along_axis(near_fraction, best, axis=1)
            width, of_fraction = 0.5 * width, 0.5 * of_fraction
    return least


def least_losses(problems, chunk=20):
    """The least loss of each problem that was found; infinite where no plan is possible."""
    parts = []
    with np.errstate(all="ignore"):
        for begin in range(0, len(problems.flops), chunk):
            few = jax.tree.map(lambda leaf, at=begin: leaf[at : at + chunk], problems)
            parts.append(_least(_with_axis(few)))
    return np.concatenate(parts)


def hard_problems(law, seed, count, *, scatter=0.0, least_students=1e3):
    """Problems with many students that are charged with little of their teacher.

    Args:
        law: a distillation law.
        seed: of the random numbers.
        count: number of problems.
        scatter: standard deviation of the logarithm of each coefficient.
        least_students: there are this many students to a million.
    """
    random = np.random.default_rng(seed)

    def spread(low, high):
        return 10 ** random.uniform(low, high, count)

    return Problems(
        law=jax.tree.map(lambda leaf: leaf * np.exp(random.normal(0, scatter, count)), law),
        flops=spread(18, 26),
        size=spread(7, 11),
        students=spread(np.log10(least_students), 6),
        logits=spread(-4, 0),
        pretraining=spread(-4, 0),
    )
