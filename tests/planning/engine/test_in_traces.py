"""Planners inside other programs: their precision, batches of laws, and what is compiled."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.compute import TransformerForwardFlops
from jaxlaws.planning import (
    TEACHER_PRETRAINING,
    TEACHER_PRETRAINING_AND_INFERENCE,
    Status,
    compute_optimal,
    distill,
)
from jaxlaws.planning.engine.evaluation import num_compiled


def test_a_float32_program_keeps_its_precision():
    law = presets.load("busbridge2025_consistent")
    budgets = np.logspace(18, 26, 41)

    @jax.jit
    def plan_of(flops):
        return distill(
            law,
            flops=flops,
            num_student_params=1e9,
            scenario=TEACHER_PRETRAINING_AND_INFERENCE,
        )

    plan = plan_of(jnp.asarray(budgets, jnp.float32))
    for leaf in jax.tree.leaves(plan):
        assert leaf.dtype in (jnp.float32, jnp.int32)
    best = distill(
        law,
        flops=budgets,
        num_student_params=1e9,
        scenario=TEACHER_PRETRAINING_AND_INFERENCE,
    )
    solved = np.asarray(plan.status) <= Status.BUDGET_UNSPENT
    assert solved.all()
    with jax.enable_x64(True):
        teacher_loss = law.supervised.loss(
            num_params=np.float64(plan.num_teacher_params),
            num_tokens=np.float64(plan.num_teacher_tokens),
        )
        loss = law.loss(
            num_student_params=1e9,
            num_student_tokens=np.float64(plan.num_student_tokens),
            teacher_loss=teacher_loss,
        )
    assert (np.asarray(loss) - best.loss)[solved].max() <= 1e-6
    for name in ("num_teacher_params", "num_teacher_tokens", "num_student_tokens"):
        off = np.log10(np.asarray(getattr(plan, name), np.float64) / getattr(best, name))
        assert np.abs(off[solved]).max() <= 0.01


@pytest.mark.slow
def test_a_batch_of_laws_under_vmap():
    draws = presets.ensemble("busbridge2025_refit")
    few = jax.tree.map(lambda leaf: leaf[:5], draws)
    flops = jnp.float32(1e21)

    def plan_of(law):
        return distill(law, flops=flops, num_student_params=1e9, scenario=TEACHER_PRETRAINING)

    plans = jax.jit(jax.vmap(plan_of))(few)
    assert plans.loss.shape == (5,)
    for index in range(5):
        law = jax.tree.map(lambda leaf, i=index: leaf[i], few)
        alone = distill(law, flops=1e21, num_student_params=1e9, scenario=TEACHER_PRETRAINING)
        np.testing.assert_allclose(plans.loss[index], alone.loss, rtol=1e-5)


def test_nothing_is_compiled_twice():
    law = presets.load("besiroglu2024")
    flops_model = TransformerForwardFlops()
    compute_optimal(law, flops=1e21, forward_flops=flops_model)
    compiled = num_compiled()
    compute_optimal(law, flops=np.logspace(18, 24, 100), forward_flops=flops_model)
    assert num_compiled() == compiled
    compute_optimal(law, flops=np.logspace(18, 24, 600), forward_flops=flops_model)
    compiled = num_compiled()
    for context in (1024, 4096):
        for budget in (1e19, np.logspace(18, 24, 7), np.logspace(18, 24, 5000)):
            compute_optimal(
                presets.load("hoffmann2022"),
                flops=budget,
                forward_flops=TransformerForwardFlops(context=context),
            )
    assert num_compiled() == compiled


def test_flags_are_left_alone():
    before = jax.config.read("jax_enable_x64")
    compute_optimal(presets.load("besiroglu2024"), flops=1e21)
    assert jax.config.read("jax_enable_x64") is before
    assert jnp.ones(()).dtype == jnp.float32


def test_a_plan_is_made_while_another_function_is_traced():
    law = presets.load("besiroglu2024")

    @jax.jit
    def program(x):
        return x * compute_optimal(law, flops=1e21).num_params

    np.testing.assert_allclose(program(jnp.float32(2)), 2 * 2.7785e9, rtol=1e-3)


@pytest.mark.parametrize("shape", [(0,), (2, 0)])
def test_an_empty_sweep_is_an_error(shape):
    with pytest.raises(ValueError, match="nothing to plan"):
        compute_optimal(presets.load("besiroglu2024"), flops=np.ones(shape))
