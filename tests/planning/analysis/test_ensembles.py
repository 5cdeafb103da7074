"""Plans over the draws of a fit, against plans of single laws and a dense search."""

import jax
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import FREE_TEACHER, Mixture, compute_optimal, distill, train_fixed
from jaxlaws.planning.analysis.ensembles import loss_under, over_draws, regret

BUDGETS = np.geomspace(1e20, 1e24, 70)


def scattered(law, count):
    """Laws around one, each coefficient off by some per cent."""
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: leaf * np.exp(0.03 * rng.normal(size=count)), law)


def single(laws, index):
    return jax.tree.map(lambda leaf: leaf[index], laws)


@pytest.fixture(scope="module")
def laws():
    return scattered(presets.load("besiroglu2024"), 6)


@pytest.fixture(scope="module")
def own(laws):
    """The best plan of each."""
    return over_draws(compute_optimal, laws, {"flops": BUDGETS})


def test_a_batch_of_laws_is_planned_for_as_each_of_them_is(laws, own):
    assert own.loss.shape == (6, 70)
    for index in (0, 5):
        alone = compute_optimal(single(laws, index), flops=BUDGETS)
        np.testing.assert_allclose(own.loss[index], alone.loss, rtol=1e-12)
        np.testing.assert_allclose(own.num_params[index], alone.num_params, rtol=1e-7)
    few = over_draws(compute_optimal, laws, {"flops": BUDGETS[:2]})
    np.testing.assert_allclose(few.loss, own.loss[:, :2], rtol=1e-12)


def test_a_batch_of_laws_that_fits_no_input_is_refused(laws):
    with pytest.raises(ValueError, match=r"do not broadcast together: .*law \(6,\)"):
        compute_optimal(laws, flops=BUDGETS[:4])


def test_no_budgets_are_refused(laws):
    with pytest.raises(ValueError, match="there is nothing to plan"):
        over_draws(compute_optimal, laws, {"flops": BUDGETS[:0]})


def test_a_mixture_is_planned_for_by_expected_loss(laws, own):
    law = Mixture(laws=laws)
    plan = compute_optimal(law, flops=BUDGETS[[10, 40]])
    sizes = np.geomspace(0.05, 20, 40_001) * plan.num_params[:, None]
    expected = np.mean(
        [
            np.asarray(
                single(laws, i).loss(
                    num_params=sizes, num_tokens=BUDGETS[[10, 40], None] / 6 / sizes
                ),
                dtype=float,
            )
            for i in range(6)
        ],
        axis=0,
    )
    np.testing.assert_allclose(plan.loss, expected.min(axis=1), rtol=1e-6)
    best = sizes[np.arange(2), expected.argmin(axis=1)]
    np.testing.assert_allclose(np.log(plan.num_params / best), 0, atol=0.05)
    # No plan of a single law does better on average, and none beats a draw's own.
    point = compute_optimal(presets.load("besiroglu2024"), flops=BUDGETS)
    mixed = regret(compute_optimal(law, flops=BUDGETS), laws, own)
    assert np.all(mixed.mean(axis=0) <= regret(point, laws, own).mean(axis=0))
    assert mixed.min() > -1e-12
    assert mixed.mean() > 1e-6


def test_what_a_distilled_plan_would_reach_is_reported_by_each_law():
    draws = scattered(presets.load("busbridge2025_refit"), 5)
    law = Mixture(laws=draws)
    plan = distill(law, flops=1e21, num_student_params=1e9, scenario=FREE_TEACHER)
    np.testing.assert_allclose(np.mean(loss_under(draws, plan)), plan.loss, rtol=1e-12)
    tilted = [
        np.mean(
            [
                single(draws, i).loss(
                    num_student_params=1e9,
                    num_student_tokens=plan.num_student_tokens,
                    teacher_loss=plan.teacher_loss * by,
                )
                for i in range(5)
            ]
        )
        for by in (0.99, 1.01)
    ]
    assert plan.loss < min(tilted)


@pytest.mark.slow
def test_a_teacher_is_judged_by_each_law_of_a_mixture():
    from jaxlaws.planning import TEACHER_PRETRAINING_AND_INFERENCE

    draws = scattered(presets.load("busbridge2025_refit"), 5)
    asked = {
        "flops": 1e21,
        "num_student_params": 1e9,
        "scenario": TEACHER_PRETRAINING_AND_INFERENCE,
    }
    plan = distill(Mixture(laws=draws), **asked)
    np.testing.assert_allclose(np.mean(loss_under(draws, plan)), plan.loss, rtol=1e-12)
    for law in (single(draws, i) for i in range(5)):
        other = distill(law, **asked)
        assert plan.loss <= np.mean(loss_under(draws, other)) + 1e-12


def test_a_batch_of_laws_works_for_a_fixed_size(laws):
    plan = train_fixed(laws, num_params=1e9, flops=1e21)
    np.testing.assert_allclose(
        plan.loss, laws.loss(num_params=1e9, num_tokens=1e21 / 6e9), rtol=1e-5
    )
