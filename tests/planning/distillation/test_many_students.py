"""Many students that are charged with little of their teacher, against a dense search."""

import jax
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import Scenario, Status, distill, is_solved
from tests.planning.spending_all import Problems, hard_problems, least_losses

LAW = presets.load("busbridge2025_refit")


def _plan(problems):
    return distill(
        problems.law,
        flops=problems.flops,
        num_student_params=problems.size,
        num_students=problems.students,
        scenario=Scenario(logits=problems.logits, pretraining=problems.pretraining),
    )


def _check(problems):
    plan, least = _plan(problems), least_losses(problems)
    np.testing.assert_array_equal(plan.status == Status.INFEASIBLE, np.isinf(least))
    solved = is_solved(plan.status)
    assert solved.sum() >= 0.99 * np.isfinite(least).sum()
    assert (plan.loss[solved] <= least[solved] + 1e-8).all()


@pytest.mark.parametrize("scatter", [0.0, 0.12])
def test_no_solved_plan_is_worse_than_a_dense_search(scatter):
    _check(hard_problems(LAW, 0, 48, scatter=scatter))


@pytest.mark.slow
@pytest.mark.parametrize("scatter", [0.0, 0.12])
def test_thousands_of_plans(scatter):
    _check(hard_problems(LAW, 1, 3000, scatter=scatter))


# Seeds and indices: the scan has its best candidate in the worse of two basins, or, in the third,
# the curve of the candidates begins above the minimum.
_TWO_BASINS = ((105, 737), (107, 838), (127, 637), (133, 692))


def _two_basins():
    drawn = [
        jax.tree.map(
            lambda leaf, at=index: leaf[at : at + 1],
            hard_problems(LAW, seed, 2000, scatter=0.12, least_students=1.0),
        )
        for seed, index in _TWO_BASINS
    ]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *drawn)


def test_the_lower_of_two_basins_is_found():
    _check(_two_basins())


@pytest.mark.slow
def test_the_lower_of_two_basins_is_found_in_a_trace(x64):
    problems = _two_basins()
    loss = jax.jit(lambda problems: _plan(problems).loss)(problems)
    np.testing.assert_allclose(loss, least_losses(problems), rtol=0, atol=1e-8)


@pytest.mark.parametrize("pretraining", [0.0, 1e-12, 1e-3])
def test_a_cheap_teacher_does_not_leave_budget_unspent(pretraining):
    """The known case, and teachers whose tokens cost next to nothing among others that cost."""
    shares = np.array([pretraining, 1.0])
    plan = distill(
        LAW,
        flops=1e23,
        num_student_params=1e10,
        num_students=1e5,
        scenario=Scenario(logits=1.0, pretraining=shares),
    )
    np.testing.assert_allclose(plan.flops, 1e23, rtol=1e-9)
    assert is_solved(plan.status).all()
    if pretraining:
        two = np.ones(2)
        law = hard_problems(LAW, 0, 2).law
        least = least_losses(Problems(law, 1e23 * two, 1e10 * two, 1e5 * two, two, shares))
        np.testing.assert_allclose(plan.loss, least, rtol=0, atol=1e-8)
    if pretraining == 1e-3:
        assert f"{plan.loss[0]:.6f}" == "3.452652"
