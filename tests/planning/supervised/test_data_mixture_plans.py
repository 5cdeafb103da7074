"""The best data mixture, against SciPy's minimisation on the simplex and linear programmes."""

import itertools

import jax
import numpy as np
import pytest
from scipy.optimize import linprog, minimize

from jaxlaws import presets
from jaxlaws.laws.further_inputs.data_mixing import mixing_law
from jaxlaws.laws.further_inputs.linear_mixing import linear_mixing_law
from jaxlaws.planning import Limit, Mixture, Status, is_solved, optimal_data_mixture, over_draws

DOMAINS, OUTCOMES = ("web", "code", "books", "wiki"), ("loss_a", "loss_b", "loss_c")
Mixing = mixing_law(*DOMAINS, outcomes=OUTCOMES)
COUNT = 40


def random_problems(seed):
    """Coefficients, weights and bounds of problems, one for each row."""
    random = np.random.default_rng(seed)
    t, c = 1.5 * random.normal(size=(COUNT, 3, 4)), random.uniform(0.5, 2, size=(COUNT, 3))
    weights = random.uniform(size=(COUNT, 3))
    lower = random.uniform(0, 0.25, size=(COUNT, 4)) * random.integers(0, 2, size=(COUNT, 4))
    upper = np.maximum(lower + 0.01, random.uniform(0.3, 1, size=(COUNT, 4)))
    free = np.arange(COUNT) % 2 == 0
    return c, t, weights, np.where(free[:, None], 0, lower), np.where(free[:, None], 1, upper)


def plans_of(law, weights, lower, upper):
    return optimal_data_mixture(
        law,
        weights=dict(zip(OUTCOMES, weights.T, strict=True)),
        share_bounds={name: (lower[:, i], upper[:, i]) for i, name in enumerate(DOMAINS)},
    )


def shares_of(plan):
    return np.stack([plan.shares[name] for name in DOMAINS], axis=-1)


def test_no_mixture_that_scipy_finds_is_better():
    c, t, weights, lower, upper = random_problems(0)
    plan = plans_of(Mixing(c=c, t=t), weights, lower, upper)
    assert is_solved(plan.status).all()
    shares = shares_of(plan)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-14)
    assert ((shares >= lower) & (shares <= upper)).all()
    for i in range(COUNT):
        weight = weights[i] / weights[i].sum()

        def loss(r, i=i, weight=weight):
            return weight @ (c[i] + np.exp(t[i] @ r))

        assert plan.loss[i] == pytest.approx(loss(shares[i]), rel=1e-12)
        found = minimize(
            loss,
            np.clip(0.25, lower[i], upper[i]),
            method="SLSQP",
            bounds=list(zip(lower[i], upper[i], strict=True)),
            constraints=[{"type": "eq", "fun": lambda r: r.sum() - 1}],
            options={"ftol": 1e-13, "maxiter": 300},
        )
        assert plan.loss[i] <= found.fun + 1e-10


def test_a_linear_law_is_a_linear_programme():
    _, t, weights, lower, upper = random_problems(1)
    law = linear_mixing_law(*DOMAINS, outcomes=OUTCOMES)(w=3 + t)
    plan = plans_of(law, weights, lower, upper)
    assert is_solved(plan.status).all()
    for i in range(COUNT):
        cost = weights[i] / weights[i].sum() @ (3 + t[i])
        bounds = list(zip(lower[i], upper[i], strict=True))
        least = linprog(cost, A_eq=np.ones((1, 4)), b_eq=[1], bounds=bounds)
        assert plan.loss[i] == pytest.approx(least.fun, rel=1e-9)


LAW = Mixing(
    c=np.array([1.5, 0.6, 1.2]),
    t=np.array([[-0.4, 0.9, 0.2, 0.1], [0.8, -1.2, 0.7, 0.6], [0.5, 0.9, -0.9, 0.2]]),
)


def test_the_marginal_value_of_a_bound_is_the_slope_of_the_loss():
    most = {"code": (0.0, 0.1), "wiki": (0.15, 1.0)}
    plan, step = optimal_data_mixture(LAW, share_bounds=most), 1e-5
    assert plan.status == Status.ON_BOUND
    assert (plan.active_bounds.code, plan.active_bounds.wiki) == (1, -1)
    for name, end in (("code", 1), ("wiki", 0)):
        moved = []
        for sign in (1, -1):
            ends = list(most[name])
            ends[end] += sign * step
            moved.append(optimal_data_mixture(LAW, share_bounds=most | {name: tuple(ends)}).loss)
        slope = (moved[0] - moved[1]) / (2 * step)
        assert plan.marginal_values[name] == pytest.approx(-slope, rel=1e-5)


def seen_twice(*, books, wiki, **_):
    return books + 2 * wiki


def test_a_limit_on_a_sum_of_shares():
    free = optimal_data_mixture(LAW)
    most = 0.5 * seen_twice(**free.shares)
    plan = optimal_data_mixture(LAW, limits={"scarce": Limit(seen_twice, most)})
    assert plan.status == Status.ON_BOUND
    assert plan.active_bounds.scarce == 1
    assert seen_twice(**plan.shares) == pytest.approx(most, rel=1e-8)
    assert plan.loss > free.loss
    random = np.random.default_rng(0).dirichlet([1, 1, 0.2, 0.2], 20_000)
    allowed = random[random[:, 2] + 2 * random[:, 3] <= most]
    losses = LAW.loss(**dict(zip(DOMAINS, allowed.T, strict=True)))
    assert plan.loss <= np.asarray(losses).mean(axis=1).min()


def test_one_loss_is_best_where_its_slope_is_steepest():
    law = mixing_law("web", "code", "books")(c=1.0, t=np.array([0.3, -0.5, 0.1]))
    plan = optimal_data_mixture(law, share_bounds={"code": (0, 0.3), "web": (0.05, 1)})
    found = {name: float(share) for name, share in plan.shares.items()}
    assert found == pytest.approx({"web": 0.05, "code": 0.3, "books": 0.65}, rel=1e-12)
    assert plan.losses.loss == plan.loss


def test_an_outcome_without_weight_does_not_count():
    alone = optimal_data_mixture(LAW, weights={"loss_b": 2.0})
    assert float(alone.shares.code) == 1
    assert alone.loss == pytest.approx(0.6 + np.exp(-1.2), rel=1e-12)
    assert alone.losses.loss_a == pytest.approx(1.5 + np.exp(0.9), rel=1e-12)


def test_bounds_that_no_mixture_meets():
    for bounds in ({"web": (0.6, 1), "code": (0.6, 1)}, dict.fromkeys(DOMAINS, (0, 0.2))):
        plan = optimal_data_mixture(LAW, share_bounds=bounds)
        assert plan.status == Status.INFEASIBLE
        assert np.isnan(plan.shares.web)


def test_shares_whose_sum_is_one_but_for_rounding():
    shares = np.array([*itertools.permutations([0.6, 0.3, 0.1])])
    assert (shares.sum(axis=1) < 1).any()
    names = ("web", "code", "books")
    law = mixing_law(*names)(c=1.0, t=np.array([0.3, -0.5, 0.1]))
    ends = dict(zip(names, shares.T, strict=True))
    for bounds in (
        {name: (end, end) for name, end in ends.items()},
        {name: (end, 1.0) for name, end in ends.items()},
        {name: (0.0, end) for name, end in ends.items()},
    ):
        plan = optimal_data_mixture(law, share_bounds=bounds)
        assert (plan.status == Status.ON_BOUND).all()
        for name, end in ends.items():
            np.testing.assert_allclose(plan.shares[name], end, rtol=1e-12)


def test_draws_and_their_mean():
    random = np.random.default_rng(0)
    draws = Mixing(c=np.tile(LAW.c, (8, 1)), t=LAW.t + 0.05 * random.normal(size=(8, 3, 4)))
    own = over_draws(optimal_data_mixture, draws)
    assert own.shares.web.shape == (8,)
    one = optimal_data_mixture(jax.tree.map(lambda leaf: leaf[3], draws))
    assert own.shares.web[3] == pytest.approx(float(one.shares.web), rel=1e-9)
    chosen = optimal_data_mixture(Mixture(laws=draws))
    losses = np.asarray(jax.vmap(lambda law: law.loss(**chosen.shares))(draws))
    assert chosen.loss == pytest.approx(losses.mean(), rel=1e-6)
    assert own.loss.mean() <= chosen.loss


def test_derivatives_against_central_differences(x64):
    def best(most):
        return optimal_data_mixture(LAW, share_bounds={"code": (0.0, most)}).shares.web

    point, step = 0.15, 1e-5
    slope = (best(point + step) - best(point - step)) / (2 * step)
    assert float(jax.grad(best)(point)) == pytest.approx(slope, rel=1e-6)


def test_misuse_is_named():
    with pytest.raises(TypeError, match="law of the shares of two or more domains"):
        optimal_data_mixture(presets.load("besiroglu2024"))
    with pytest.raises(ValueError, match="share_bounds: unknown name 'cod'; known are web, code"):
        optimal_data_mixture(LAW, share_bounds={"cod": (0, 1)})
    with pytest.raises(ValueError, match="weights: unknown name 'loss'"):
        optimal_data_mixture(LAW, weights={"loss": 1.0})
    with pytest.raises(ValueError, match="code_bounds must not be negative"):
        optimal_data_mixture(LAW, share_bounds={"code": (-0.1, 1)})
    with pytest.raises(ValueError, match="limits: 'web' is the name of an input"):
        optimal_data_mixture(LAW, limits={"web": Limit(seen_twice, 1.0)})
