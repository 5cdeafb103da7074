"""Which coefficients of a law enter its predictions linearly."""

import numpy as np
import pytest

from fitting.minimiser.broad_search.law_form import Role, form_of
from fitting.problem.parameters import FreeNumber
from jaxlaws.pytree import Domain

X, Y = np.geomspace(1e7, 1e10, 5), np.geomspace(3e9, 1e11, 5)
EDGES = {Domain.REAL: (-np.inf, np.inf), Domain.POSITIVE: (0.0, np.inf)}
LINEAR, NONLINEAR, EXPONENTIAL, LOGARITHMIC = (
    Role.LINEAR, Role.NONLINEAR, Role.EXPONENTIAL, Role.LOGARITHMIC,
)  # fmt: skip
R, P = Domain.REAL, Domain.POSITIVE

CASES = {
    "power terms": (
        lambda c: c[0] + c[1] * X ** -c[2] + c[3] * Y ** -c[4],
        (P, P, P, P, P), False, (LINEAR, LINEAR, NONLINEAR, LINEAR, NONLINEAR),
    ),
    "a product of amplitudes": (
        lambda c: c[0] + c[1] * (1 + c[2] * X**-0.3),
        (R, R, R), False, (LINEAR, LINEAR, NONLINEAR),
    ),
    "log amplitudes": (
        lambda c: np.exp(c[0]) * X ** -abs(c[1]) + np.exp(c[2]),
        (R, R, R), False, (EXPONENTIAL, NONLINEAR, EXPONENTIAL),
    ),
    "a product of powers": (
        lambda c: c[0] * X ** -c[1] * Y ** -c[2],
        (P, R, R), True, (LOGARITHMIC, LINEAR, LINEAR),
    ),
    "terms of very different size": (
        lambda c: c[0] + c[1] * X + c[2] * X**2,
        (R, R, R), False, (LINEAR, LINEAR, LINEAR),
    ),
    "a rate": (
        lambda c: c[0] + c[1] * np.exp(c[2] * X),
        (R, R, R), False, (LINEAR, LINEAR, NONLINEAR),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_roles(name):
    formula, domains, is_log, roles = CASES[name]
    free = tuple(FreeNumber(f"c{i}", each, EDGES[each]) for i, each in enumerate(domains))

    def predictions(vectors):
        softplus = np.logaddexp(vectors, 0.0)
        positive = np.array([each is P for each in domains])
        values = np.where(positive, softplus, vectors)
        return np.stack([formula(each) for each in values])

    for seed in range(5):
        found = form_of(free, predictions, np.random.default_rng(seed), may_be_log=True)
        assert (found.is_log, found.roles) == (is_log, roles)
