"""What bootstrap draws show about the coefficients of a fit that its curvature does not show."""

from collections.abc import Collection

import numpy as np

from fitting.minimiser.identifiability import Judgement
from fitting.minimiser.status import Status
from fitting.problem.parameters import coefficients
from jaxlaws.pytree import Domain

_LEVEL = 0.9
_OFTEN_AT_EDGE = 0.05  # share of the draws
_WIDE = 100.0  # ratio of the ends of an interval, in centred units


def check_draws(
    judgement: Judgement, vectors: np.ndarray, reported: Collection[str]
) -> tuple[Status, tuple[str, ...]]:
    """Judge the coefficients of a fit by its draws.

    Args:
        judgement: of the draws.
        vectors: free numbers of the draws, `(num_draws, num_free)`.
        reported: names of coefficients that the fit itself reports to be at an edge.

    Returns:
        ON_BOUND if a coefficient is at an edge in more than 5% of the draws, FLAT_DIRECTION if its
        90% interval spans more than two decades, else CONVERGED; and a sentence for each such
        coefficient, and for the draws that did not converge.
    """
    usable = judgement.status <= Status.FLAT_DIRECTION
    notes, status, num_draws = [], Status.CONVERGED, len(usable)
    if not usable.any():
        return status, (f"none of {num_draws} bootstrap draws converged: there are no intervals",)
    if not usable.all():
        notes.append(
            f"{num_draws - usable.sum()} of {num_draws} bootstrap draws did not converge and are "
            "left out of all intervals"
        )
    parameters = judgement.parameters
    shares = np.mean(judgement.at_edge[usable] != 0, axis=0)
    values = np.asarray(coefficients(parameters, vectors[usable]))
    low, high = np.quantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2], axis=0)
    low = np.maximum(low, np.finfo(float).tiny)  # a positive coefficient can round to zero
    for i, number in enumerate(parameters.free):
        if number.name in reported:
            continue
        if shares[i] > _OFTEN_AT_EDGE:
            status = max(status, Status.ON_BOUND)
            notes.append(
                f"{number.name} is at an edge of its domain or on a bound in {shares[i]:.0%} of "
                "the bootstrap draws: the runs do not determine it; use a law without it, or add "
                "runs or a prior"
            )
        elif number.domain is Domain.POSITIVE and not high[i] <= _WIDE * low[i]:
            status = max(status, Status.FLAT_DIRECTION)
            notes.append(
                f"the {_LEVEL:.0%} interval of {number.name} over the bootstrap draws spans "
                f"{np.log10(high[i] / low[i]):.1f} decades at the centre of the runs: they do not "
                "determine it; freeze it, or add runs or a prior"
            )
    return status, tuple(notes)
