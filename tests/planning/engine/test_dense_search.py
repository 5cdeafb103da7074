"""Plans of random problems against a dense search that shares no code with the solver."""

import jax
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import Scenario, Status, distill
from tests.planning.dense_search import cost, least_loss, random_case
from tests.planning.in_numpy import student_loss, trained_loss

_PRESETS = ("busbridge2025_consistent", "busbridge2025_refit")


def _array(cases, name):
    return np.array([getattr(case, name) for case in cases])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*encountered in.*:RuntimeWarning")
@pytest.mark.parametrize("preset", _PRESETS)
@pytest.mark.parametrize("shares", [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.3, 0.01)])
def test_no_plan_of_a_random_problem_is_worse_than_a_dense_search(preset, shares):
    random = np.random.default_rng(0)
    cases = [random_case(presets.load(preset), random, shares) for _ in range(12)]
    plan = distill(
        jax.tree.map(lambda *leaves: np.array(leaves), *[case.law for case in cases]),
        flops=_array(cases, "flops"),
        num_student_params=_array(cases, "size"),
        num_students=_array(cases, "students"),
        scenario=Scenario(logits=shares[0], pretraining=shares[1]),
        num_student_tokens_bounds=(1e3, _array(cases, "most_student_tokens")),
        num_teacher_tokens_bounds=(1e3, _array(cases, "most_teacher_tokens")),
    )
    # Plans that the solver does not vouch for (NOT_CONVERGED) are held to the same.
    assert (plan.status != Status.INFEASIBLE).all()
    for i, case in enumerate(cases):
        teacher, teacher_tokens = plan.num_teacher_params[i], plan.num_teacher_tokens[i]
        teacher_loss = plan.teacher_loss[i]
        if shares == (0.0, 0.0):
            teacher = teacher_tokens = 0.0  # not chosen, and of no cost
        else:
            np.testing.assert_allclose(
                teacher_loss, trained_loss(case.law, teacher, teacher_tokens), rtol=1e-12
            )
        tokens = plan.num_student_tokens[i]
        assert cost(case, teacher, tokens, teacher_tokens) <= case.flops * (1 + 1e-9)
        loss = student_loss(case.law, case.size, tokens, teacher_loss)
        np.testing.assert_allclose(plan.loss[i], loss, rtol=1e-12)
        assert plan.loss[i] <= least_loss(case) + 1e-8, case
