"""A law near its limit form, whose rounding errors exceed the tolerance of the line search."""

import dataclasses

import jax
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import TEACHER_INFERENCE, TEACHER_PRETRAINING, distill, is_solved
from tests.planning.in_numpy import student_loss, trained_loss

LAW = presets.load("busbridge2025_refit")
GAMMA, ALPHA, BETA = 20_705.0, 1e-5, 2e-5


def _flat():
    """`(A / N**alpha + B / D**beta)**gamma` is 0.8 at 1e6 parameters and 1e7 tokens."""
    half = 0.5 * 0.8 ** (1 / GAMMA)
    A, B = half * 1e6**ALPHA, half * 1e7**BETA
    return dataclasses.replace(LAW, A=A, alpha=ALPHA, B=B, beta=BETA, gamma=GAMMA)


def test_rounding_of_the_loss_is_not_a_failure():
    flops = np.geomspace(1e11, 1e12, 401)
    law = _flat()
    plan = distill(law, flops=flops, scenario=TEACHER_INFERENCE, num_student_params=1e4)
    assert is_solved(plan.status).all()
    # The best of many sizes of the teacher on its most tokens, with all of the budget spent.
    sizes = np.geomspace(1e3, 1e9, 3001)
    tokens = flops[::40, None] / (6e4 + 2 * sizes)
    losses = student_loss(law, 1e4, tokens, trained_loss(law, sizes, 1e17))
    assert (plan.loss[::40] <= losses.min(axis=1) * (1 + 1e-5)).all()


@pytest.mark.slow
def test_rounding_in_single_precision_is_not_a_failure():
    """There the loss is a staircase with steps of `GAMMA` times 6e-8."""
    flops, law = np.geomspace(1e11, 1e12, 401), _flat()

    def plan(flops):
        return distill(law, flops=flops, scenario=TEACHER_PRETRAINING, num_student_params=1e4)

    exact, single = plan(flops), jax.jit(plan)(flops.astype(np.float32))
    assert single.loss.dtype == np.float32
    assert is_solved(single.status).all()
    tokens, size, of_teacher = (
        np.asarray(getattr(single, name), dtype=float)
        for name in ("num_student_tokens", "num_teacher_params", "num_teacher_tokens")
    )
    loss = student_loss(law, 1e4, tokens, trained_loss(law, size, of_teacher))
    np.testing.assert_allclose(loss, exact.loss, rtol=0, atol=2e-6)
