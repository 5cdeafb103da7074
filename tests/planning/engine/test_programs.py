"""Planning functions under transformations outside `jit`: compiled at the first call only."""

import functools
import inspect
import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws import planning, presets
from jaxlaws.planning import (
    FREE_TEACHER,
    Limit,
    Planner,
    Scenario,
    compare,
    compute_optimal,
    crossover,
    distill,
    flops_to_reach,
    near_optimal_range,
    over_draws,
    overtraining_cost,
    regret,
    train_fixed,
)
from jaxlaws.planning.engine import evaluation

LAW = presets.load("besiroglu2024")
BOTH = presets.load("busbridge2025_refit")


def optimal(law, flops):
    return compute_optimal(law, flops=flops).loss


def num_tokens(*, num_tokens, **_):
    return num_tokens


def with_limit(law, flops):
    limits = {"data": Limit(num_tokens, 1e11)}
    return train_fixed(law, num_params=1e9, flops=flops, limits=limits).loss


def reached(law, flops):
    target = 3.0 - 0.1 * jnp.log10(flops / 1e20)
    plan = flops_to_reach(train_fixed, law, num_params=1e9, target_loss=target)
    return jnp.log(plan.flops)


def near(law, flops):
    given = {"num_params": 1e9, "flops": flops}
    return jnp.log(near_optimal_range(train_fixed, law, of="num_tokens", within=0.01, **given).low)


def overtrained(law, flops):
    return overtraining_cost(law, flops=flops, size_fraction=0.5).overhead


def regretted(law, flops):
    draws = jax.tree.map(lambda leaf: leaf * jnp.array([0.97, 1.0, 1.03]), law)
    plans = over_draws(train_fixed, draws, {"num_params": 1e9, "flops": flops})
    return regret(train_fixed(law, num_params=1e9, flops=flops), draws, plans).mean()


def compared(law, flops):
    return compare(law, flops=flops, num_student_params=1e9).margin


def crossing(law, flops):
    size = flops / 1e13
    found = crossover(law, num_student_params=size, scenario=FREE_TEACHER, max_crossings=1)
    return jnp.log(found.flops[0])


def _compilations(caplog, function):
    """The compilations during a call."""
    caplog.clear()
    with caplog.at_level(logging.WARNING), jax.log_compiles():
        jax.block_until_ready(function())
    messages = [record.getMessage() for record in caplog.records]
    return [message for message in messages if message.startswith("Compiling")]


def _other(law):
    return jax.tree.map(lambda leaf: 1.01 * leaf, law)


@pytest.mark.parametrize(
    ("question", "law"),
    [
        (optimal, LAW),
        (with_limit, LAW),
        (reached, LAW),
        pytest.param(near, LAW, marks=pytest.mark.slow),
        pytest.param(overtrained, LAW, marks=pytest.mark.slow),
        pytest.param(regretted, LAW, marks=pytest.mark.slow),
        pytest.param(compared, BOTH, marks=pytest.mark.slow),
        pytest.param(crossing, BOTH, marks=pytest.mark.slow),
    ],
)
def test_a_gradient_outside_jit_compiles_at_the_first_call_only(question, law, caplog):
    def slope(law, flops):
        return jax.grad(lambda flops: question(law, flops))(flops)

    assert _compilations(caplog, lambda: jax.jit(lambda x: 3 * x)(1.0))  # a new program is seen
    slope(law, 1e22)
    assert not _compilations(caplog, lambda: slope(law, 2e22))
    assert not _compilations(caplog, lambda: slope(_other(law), 3e22))


@pytest.mark.parametrize("kind", [functools.partial, Planner])
def test_a_setting_of_a_question_may_be_traced(kind, caplog):
    def budget(size):
        return flops_to_reach(kind(train_fixed, num_params=size), LAW, target_loss=2.4).flops

    # The budget is 6 N D with D from L = E + A / N**alpha + B / D**beta.
    excess = 2.4 - LAW.E - LAW.A / 1e9**LAW.alpha
    by_size = 1 - LAW.alpha * LAW.A / 1e9**LAW.alpha / (LAW.beta * excess)
    slope = jax.grad(lambda log_size: jnp.log(budget(jnp.exp(log_size))))(np.log(1e9))
    assert slope == pytest.approx(by_size, rel=1e-4)
    again = functools.partial(jax.grad(lambda log: jnp.log(budget(jnp.exp(log)))), np.log(2e9))
    assert not _compilations(caplog, again)


def test_gradients_outside_jit_are_those_of_the_law():
    # At fixed size the tokens are C / (6 N), so that dL/dC = -beta B / D**beta / C.
    slope = jax.grad(lambda c: train_fixed(LAW, num_params=1e9, flops=c).loss)(1e21)
    tokens = 1e21 / 6e9
    assert slope == pytest.approx(-LAW.beta * LAW.B / tokens**LAW.beta / 1e21, rel=1e-5)
    by_law = jax.grad(lambda law: train_fixed(law, num_params=1e9, flops=1e21).loss)(LAW)
    slopes = [by_law.E, by_law.A]
    np.testing.assert_allclose(slopes, [1.0, 1e9**-LAW.alpha], rtol=1e-5)


@pytest.mark.parametrize(
    "transformed",
    [
        lambda law, x: jax.vmap(lambda x: optimal(law, jnp.exp(x)))(jnp.stack([x, x + 1])),
        lambda law, x: jax.jacfwd(lambda x: optimal(law, jnp.exp(x)))(x),
        lambda law, x: jax.hessian(lambda x: optimal(law, jnp.exp(x)))(x),
        lambda law, x: jax.jvp(lambda x: optimal(law, jnp.exp(x)), (x,), (1.0,)),
        lambda law, x: jax.grad(lambda law: optimal(law, jnp.exp(x)))(law).alpha,
    ],
    ids=["vmap", "jacfwd", "hessian", "jvp", "grad by the law"],
)
def test_other_transformations_outside_jit_compile_once(transformed, caplog):
    transformed(LAW, 50.0)
    assert not _compilations(caplog, lambda: transformed(LAW, 51.0))
    assert not _compilations(caplog, lambda: transformed(_other(LAW), 52.0))


@pytest.mark.parametrize("wide", [np.float64, float])
def test_numbers_of_numpy_under_transformations_outside_jit(wide):
    # JAX passes a NumPy number that is transformed outside `jit` on in its own precision.
    law = jax.tree.map(lambda leaf: np.full(2, leaf, wide), LAW)
    mapped = jax.vmap(lambda law: optimal(law, 1e21))(law)
    np.testing.assert_allclose(mapped, [optimal(LAW, 1e21)] * 2, rtol=1e-6)
    curve = jax.hessian(lambda share: optimal(LAW, 1e21 * share))(wide(1.0))
    same = jax.jit(jax.hessian(lambda share: optimal(LAW, 1e21 * share)))(1.0)
    np.testing.assert_allclose(curve, same, rtol=1e-5)
    assert curve > 0


def test_the_program_inside_a_program_costs_nothing(monkeypatch):
    def program():
        answer = jax.jit(
            lambda law, size, flops: (
                train_fixed(law, num_params=size, flops=flops, precision="float32").loss
            )
        )
        return answer.lower(LAW, 1e9, 1e21).compile().cost_analysis()["flops"]

    nested = program()
    plain = evaluation._answer_in_trace.__wrapped__
    monkeypatch.setattr(evaluation, "_answer_in_trace", plain)
    assert nested == program()


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_numbers_of_16_bits_are_computed_in_float32(dtype):
    # The size has 8 or 11 digits; the loss is that of exactly this size in float32.
    size = jnp.asarray(3.3e4, dtype)
    loss = jax.jit(lambda size: train_fixed(LAW, num_params=size, flops=1e15).loss)(size)
    assert loss.dtype == jnp.float32
    exact = float(size)
    expected = LAW.E + LAW.A / exact**LAW.alpha + LAW.B / (1e15 / (6 * exact)) ** LAW.beta
    assert loss == pytest.approx(expected, rel=1e-6)
    margin = jax.jit(lambda size: overtraining_cost(LAW, flops=1e18, size_fraction=size).overhead)
    fraction = jnp.asarray(0.7, dtype)
    exact = overtraining_cost(LAW, flops=1e18, size_fraction=float(fraction)).overhead
    assert margin(fraction) == pytest.approx(exact, rel=1e-3)


def test_a_concrete_scenario_stays_known_where_a_budget_is_traced():
    def plan(target):
        given = {"num_student_params": 1e9, "scenario": FREE_TEACHER}
        return flops_to_reach(distill, BOTH, target_loss=target, **given)

    assert np.isnan(jax.jit(plan)(2.3).num_teacher_params)
    with pytest.raises(ValueError, match="share of the logits"):
        jax.jit(lambda c: compare(BOTH, flops=c, scenario=Scenario(logits=2.0, pretraining=0.0)))(
            1e21
        )


def test_lists_are_arrays_in_a_trace():
    sizes = [1e9, 2e9]
    losses = jax.jit(lambda c: train_fixed(LAW, num_params=sizes, flops=c).loss)(1e21)
    np.testing.assert_allclose(losses, train_fixed(LAW, num_params=sizes, flops=1e21).loss, 1e-5)
    assert jax.jit(lambda c: train_fixed(LAW, num_params=1e9, flops=[c, 2 * c]).loss)(
        1e21
    ).shape == (2,)
    over = jax.jit(lambda c: overtraining_cost(LAW, flops=c, size_fraction=[0.5, 0.7]).overhead)
    assert over(1e21).shape == (2,)


def test_every_planning_function_takes_a_precision():
    functions = [each for each in vars(planning).values() if inspect.isfunction(each)]
    questions = [each for each in functions if "limits" in inspect.signature(each).parameters]
    assert len(questions) > 20
    for question in questions:
        assert "precision" in inspect.signature(question).parameters, question


def loss_of_size(num_params, precision=None):
    return train_fixed(LAW, num_params=num_params, flops=1e21, precision=precision).loss


def budget_of_size(num_params, precision=None):
    given = {"num_params": num_params, "target_loss": 2.5, "precision": precision}
    return flops_to_reach(train_fixed, LAW, **given).flops / 1e21


def true_loss(size):
    return LAW.E + LAW.A / size**LAW.alpha + LAW.B / (1e21 / (6 * size)) ** LAW.beta


def true_budget(size):
    tokens = (LAW.B / (2.5 - LAW.E - LAW.A / size**LAW.alpha)) ** (1 / LAW.beta)
    return 6 * size * tokens / 1e21


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize(
    ("answer", "truth"),
    [
        (loss_of_size, true_loss),
        pytest.param(budget_of_size, true_budget, marks=pytest.mark.slow),
    ],
)
def test_a_call_chooses_its_precision(answer, truth, wide):
    sizes = np.array([5e8, 1e9], np.float32)
    step = 1e-4 * sizes.astype(float)
    slopes = (truth(sizes + step) - truth(sizes - step)) / (2 * step)
    with jax.enable_x64(wide):
        for precision in ("float32", "float64"):
            slope = jax.vmap(jax.grad(functools.partial(answer, precision=precision)))
            is_double = "f64" in str(jax.make_jaxpr(slope)(sizes))
            assert is_double == (precision == "float64")
            np.testing.assert_allclose(jax.jit(slope)(sizes), slopes, rtol=1e-3)


def test_an_unknown_precision():
    for flops in (1e21, jnp.float32(1e21)):
        with pytest.raises(ValueError, match="'float32', 'float64' or None, got 'bfloat16'"):
            compute_optimal(LAW, flops=flops, precision="bfloat16")
