"""Planners inside other programs: their precision, batches of laws, and what is compiled."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.compute import TransformerForwardFlops, shape_of_aspect
from jaxlaws.planning import (
    FREE_TEACHER,
    TEACHER_PRETRAINING,
    TEACHER_PRETRAINING_AND_INFERENCE,
    Status,
    assess_teacher,
    compute_optimal,
    distill,
    optimal_shape,
    over_draws,
    overtraining_cost,
    rank_teachers,
    regret,
    relative_cost,
    serving_frontier,
)
from jaxlaws.planning.engine.evaluation import num_compiled

ALONE, BOTH = presets.load("besiroglu2024"), presets.load("busbridge2025_refit")


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


def test_a_search_for_nan_finds_none():
    """Numbers that do not apply, such as the size of a free teacher, are NaN on purpose."""
    law = presets.load("busbridge2025_consistent")
    with jax.debug_nans(True):
        plan = distill(law, flops=1e21, num_student_params=1e9, scenario=FREE_TEACHER)
    assert np.isnan(plan.num_teacher_params)
    assert plan.status == Status.CONVERGED


# The second service takes all but a millionth of the budget, the third one is too large.
SERVED = np.array([[1e23, 1e9, s, 3e11] for s in (1e12, 4.99999e13, 5.01e13)], np.float32)


def log_teacher(inputs):
    """The student has all the data there is, so that the teacher is the cheapest for its loss."""
    flops, size, served, tokens = inputs
    plan = distill(
        presets.load("busbridge2025_refit"),
        flops=flops,
        num_student_params=size,
        num_inference_tokens=served,
        scenario=TEACHER_PRETRAINING_AND_INFERENCE,
        num_student_tokens_bounds=(1e6, tokens),
    )
    return jnp.log(plan.num_teacher_params), plan


def test_a_plan_of_a_float32_program_is_that_of_float64():
    slopes, plan = jax.jit(jax.vmap(jax.grad(log_teacher, has_aux=True)))(SERVED)
    _, exact = log_teacher(SERVED.astype(np.float64).T)
    assert slopes.dtype == jnp.float32
    assert exact.status.tolist()[::2] == [Status.BUDGET_UNSPENT, Status.INFEASIBLE]
    np.testing.assert_array_equal(plan.status, exact.status)
    for name in ("loss", "num_teacher_params", "num_teacher_tokens", "num_student_tokens"):
        np.testing.assert_allclose(getattr(plan, name), getattr(exact, name), rtol=3e-7)
    by_logarithms = np.asarray(slopes, np.float64) * SERVED
    # A central difference of plans in float64, with steps of 0.1%.
    np.testing.assert_allclose(by_logarithms[0], [0, 1.1250723, 0, 0.0745186], atol=1e-4)
    assert not slopes[2].any()


@pytest.mark.slow
def test_derivatives_of_a_float32_program_are_those_of_float64():
    program = jax.jit(jax.vmap(jax.grad(lambda inputs: log_teacher(inputs)[0])))
    slopes = np.asarray(program(SERVED), np.float64) * SERVED
    with jax.enable_x64(True):
        exact = np.asarray(program(SERVED.astype(np.float64))) * SERVED
    np.testing.assert_allclose(slopes, exact, rtol=3e-7, atol=1e-9)


def test_short_numbers_are_computed_in_float64():
    law = presets.load("besiroglu2024")
    loss = jax.jit(lambda flops: compute_optimal(law, flops=flops).loss)(jnp.bfloat16(1e21))
    assert loss.dtype == jnp.float32
    exact = compute_optimal(law, flops=float(jnp.bfloat16(1e21))).loss
    np.testing.assert_allclose(loss, exact, rtol=1e-6)
    outside = compute_optimal(law, flops=jnp.array([1e21], jnp.bfloat16)).loss
    assert outside.dtype == jnp.float32
    np.testing.assert_allclose(outside, exact, rtol=1e-6)


def _shape(flops):
    shapes = [shape_of_aspect(num_layers) for num_layers in (8, 16, 24)]
    return optimal_shape(ALONE, flops=flops, shapes=shapes).excess_loss


def _ranked(flops):
    teachers = {"teacher_loss": flops / 1e21 * jnp.array([2.2, 2.1]), "num_teacher_params": 4e9}
    choice = rank_teachers(BOTH, flops=flops, num_student_params=1e9, **teachers)
    return choice.margin + choice.gain


def _frontier(flops):
    sizes = flops / 1e21 * jnp.array([4e9, 1e9])
    return serving_frontier(BOTH, flops=flops, num_params=sizes, scenario=FREE_TEACHER).loss.sum()


@pytest.mark.parametrize("question", [_shape, _ranked, _frontier])
def test_a_choice_among_plans_has_a_gradient_in_a_float32_program(question):
    """Where an index or a sort chooses, JAX transposes the program outside of float64."""
    program = jax.jit(jax.grad(question)).lower(jnp.float32(1e21))
    assert program.out_info.dtype == jnp.float32
    with jax.enable_x64(True):
        slope = jax.grad(question)(1e21)
    assert program.compile()(jnp.float32(1e21)) == pytest.approx(float(slope), rel=1e-4)


def _assessed(flops):
    teacher = {"teacher_loss": 2.0, "num_teacher_params": 4e9}
    answer = assess_teacher(BOTH, flops=flops, num_student_params=1e9, **teacher)
    return answer.slope + answer.gain


def _overtrained(flops):
    answer = overtraining_cost(ALONE, flops=flops, size_fraction=0.5)
    return answer.overhead + answer.tokens_to_repay


def _relative(flops):
    target = 2.2 * flops / 1e21
    answer = relative_cost(BOTH, target_loss=target, num_student_params=1e9)
    return answer.compute + answer.tokens


def _regretted(flops):
    draws = jax.tree.map(lambda leaf: leaf * jnp.ones(2), ALONE)
    plans = over_draws(compute_optimal, draws, {"flops": flops})
    return regret(compute_optimal(ALONE, flops=flops), draws, plans).sum()


@pytest.mark.parametrize(
    "question",
    [
        _overtrained,
        _regretted,
        pytest.param(_assessed, marks=pytest.mark.slow),
        pytest.param(_relative, marks=pytest.mark.slow),
    ],
)
def test_what_follows_from_plans_that_are_infeasible_has_no_derivative(question):
    value, slope = jax.jit(jax.value_and_grad(question))(jnp.float32(1e3))
    assert jnp.isnan(value)
    assert slope == 0
