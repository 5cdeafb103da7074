"""Which coefficients of a law enter its predictions linearly."""

import numpy as np
import pytest

from fitting.minimiser.broad_search.law_form import Form, Role, is_plausible, possible_forms
from fitting.problem.parameters import FreeNumber
from jaxlaws.pytree import Domain

X, Y = np.geomspace(1e7, 1e10, 5), np.geomspace(3e9, 1e11, 5)
LARGE = 4.5e5 * np.array([0.1, 0.2, 0.5, 1.0, 1.0])
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
    "rates of large inputs": (
        lambda c: c[0] + c[1] * np.exp(c[2] * LARGE + c[3] * LARGE[::-1]),
        (P, P, R, R), False, (LINEAR, LINEAR, NONLINEAR, NONLINEAR),
    ),
}  # fmt: skip


def problem(name):
    """The free numbers of a case, and its predictions for vectors."""
    formula, domains, *_ = CASES[name]
    free = tuple(FreeNumber(f"c{i}", each, EDGES[each]) for i, each in enumerate(domains))

    def predictions(vectors):
        softplus = np.logaddexp(vectors, 0.0)
        positive = np.array([each is P for each in domains])
        values = np.where(positive, softplus, vectors)
        return np.stack([formula(each) for each in values])

    return free, predictions


@pytest.mark.parametrize("name", CASES)
def test_roles(name):
    (free, predictions), (*_, is_log, roles) = problem(name), CASES[name]
    for seed in range(40):
        random = np.random.default_rng(seed)
        found = possible_forms(free, predictions, random, may_be_log=True)
        assert found[0] == Form(is_log, roles)
        assert found[-1] == Form(False, (NONLINEAR,) * len(free))
        small = 1e-11 * random.normal(size=(16, len(free)))  # predictions are finite there
        assert is_plausible(found[0], free, predictions, small)


def test_a_form_that_holds_only_where_one_term_outweighs_the_other_is_found_wrong():
    """The logarithm of `exp(c0) X**-|c1| + exp(c2)` is linear in c0 and c2 where one is small."""
    free, predictions = problem("log amplitudes")
    wrong = Form(True, (LINEAR, NONLINEAR, LINEAR))
    right = Form(False, (EXPONENTIAL, NONLINEAR, EXPONENTIAL))
    outweighed = np.array([[30.0, 0.1, -30.0]])
    comparable = np.array([[1.0, 0.05, 0.3]])
    assert is_plausible(wrong, free, predictions, outweighed)
    assert not is_plausible(wrong, free, predictions, comparable)
    assert not is_plausible(wrong, free, predictions, np.array([[1e4, 0.05, 0.3]]))  # overflows
    assert is_plausible(right, free, predictions, np.concatenate([outweighed, comparable]))
