import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws import compute, presets
from jaxlaws.planning import Status, compute_optimal, train_fixed

BUDGETS = np.logspace(14, 28, 57)


def _closed_form(law, flops):
    """Chinchilla's optimum (Hoffmann et al. 2022, Eq. 4)."""
    total = law.alpha + law.beta
    scale = (law.alpha * law.A / (law.beta * law.B)) ** (1 / total)
    return scale * (flops / 6) ** (law.beta / total), (flops / 6) ** (law.alpha / total) / scale


@pytest.mark.parametrize("name", ["besiroglu2024", "hoffmann2022", "hoffmann2022_tex"])
def test_chinchilla_has_its_closed_form(name):
    law = presets.load(name)
    plan = compute_optimal(law, flops=BUDGETS)
    num_params, num_tokens = _closed_form(law, BUDGETS)
    np.testing.assert_allclose(plan.num_params, num_params, rtol=1e-9)
    np.testing.assert_allclose(plan.num_tokens, num_tokens, rtol=1e-9)
    np.testing.assert_allclose(plan.flops, BUDGETS, rtol=1e-12)
    assert (plan.status == Status.CONVERGED).all()


@pytest.mark.parametrize("name", ["kaplan2020", "busbridge2025_supervised", "hoffmann2022"])
@pytest.mark.usefixtures("x64")
def test_no_size_of_a_dense_scan_is_better(name):
    law = presets.load(name)
    budgets = np.logspace(16, 27, 12)
    plan = compute_optimal(law, flops=budgets, forward_flops=compute.transformer_forward_flops)
    sizes = np.logspace(3, 17, 20_001)[:, None]
    tokens = budgets / (3 * np.asarray(compute.transformer_forward_flops(sizes)))
    scanned = np.where(tokens >= 1e3, law.loss(num_params=sizes, num_tokens=tokens), np.inf)
    assert (plan.loss <= scanned.min(axis=0) + 1e-8).all()
    assert (plan.loss >= scanned.min(axis=0) - 1e-4).all()


def test_a_bound_is_kept_and_named():
    law = presets.load("besiroglu2024")
    plan = compute_optimal(law, flops=1e21, num_tokens_bounds=(1e3, 1e10))
    assert (plan.num_tokens, plan.active_bounds.num_tokens) == (1e10, 1)
    np.testing.assert_allclose(plan.num_params, 1e21 / 6e10, rtol=1e-12)
    assert plan.status == Status.ON_BOUND

    plan = compute_optimal(law, flops=1e21, num_params_bounds=(1e10, 1e17))
    assert (plan.num_params, plan.active_bounds.num_params) == (1e10, -1)
    np.testing.assert_allclose(plan.num_tokens, 1e21 / 6e10, rtol=1e-12)


def test_what_bounds_keep_from_spending_is_left():
    law = presets.load("besiroglu2024")
    plan = compute_optimal(
        law,
        flops=[1e12, 6e17, 1e20],
        num_params_bounds=(1e3, 1e8),
        num_tokens_bounds=(1e3, 1e9),
    )
    assert plan.status.tolist() == [Status.CONVERGED, Status.ON_BOUND, Status.BUDGET_UNSPENT]
    np.testing.assert_allclose(plan.flops, [1e12, 6e17, 6e17], rtol=1e-12)
    assert (plan.num_params[2], plan.num_tokens[2]) == (1e8, 1e9)


def test_a_budget_below_the_least_run_is_infeasible():
    plan = compute_optimal(presets.load("besiroglu2024"), flops=[1e6, 1e20])
    assert plan.status.tolist() == [Status.INFEASIBLE, Status.CONVERGED]
    assert np.isnan([plan.num_params[0], plan.loss[0], plan.flops[0]]).all()
    assert np.isfinite(plan.num_params[1])


@pytest.mark.parametrize("flops", [0.0, -1e20, np.nan, np.inf, [1e20, 0]])
def test_a_budget_must_be_positive_outside_a_trace(flops):
    with pytest.raises(ValueError, match="flops must be positive and finite"):
        compute_optimal(presets.load("besiroglu2024"), flops=flops)


@pytest.mark.parametrize("flops", [0.0, -1e20, np.nan])
def test_a_bad_budget_inside_a_trace_is_infeasible(flops):
    law = presets.load("besiroglu2024")
    plan = jax.jit(lambda c: compute_optimal(law, flops=c))(jnp.asarray([flops, 1e20]))
    assert np.asarray(plan.status).tolist() == [Status.INFEASIBLE, Status.CONVERGED]
    assert np.isnan(plan.num_params[0])


def test_other_bad_input_is_named():
    law = presets.load("besiroglu2024")
    with pytest.raises(ValueError, match="num_params_bounds exclude each other"):
        compute_optimal(law, flops=1e20, num_params_bounds=(1e9, 1e8))
    with pytest.raises(TypeError, match="num_params_bounds must be a pair"):
        compute_optimal(law, flops=1e20, num_params_bounds=1e9)  # pyright: ignore
    with pytest.raises(ValueError, match="do not broadcast"):
        train_fixed(law, num_params=[1e8, 1e9], flops=[1e20, 1e21, 1e22])
    with pytest.raises(TypeError, match="forward_flops"):
        compute_optimal(law, flops=1e20, forward_flops=2.0)  # pyright: ignore
    with pytest.raises(TypeError, match="law of num_params"):
        compute_optimal(3.0, flops=1e20)


def test_a_distillation_law_answers_with_its_supervised():
    law = presets.load("busbridge2025")
    ours = compute_optimal(law, flops=BUDGETS)
    np.testing.assert_array_equal(ours.loss, compute_optimal(law.supervised, flops=BUDGETS).loss)


def test_train_fixed_spends_what_serving_leaves():
    law = presets.load("besiroglu2024")
    plan = train_fixed(law, num_params=1e9, flops=1e21, num_inference_tokens=[0, 1e11, 1e12])
    np.testing.assert_allclose(plan.num_tokens, [1e21 / 6e9, 8e20 / 6e9, np.nan], rtol=1e-12)
    np.testing.assert_allclose(plan.shares.serving, [0, 0.2, np.nan], rtol=1e-12)
    np.testing.assert_allclose(plan.shares.student[:2], [1, 0.8], rtol=1e-12)
    assert plan.status[2] == Status.INFEASIBLE


def test_leaves_are_numpy_float64_of_the_broadcast_shape():
    plan = train_fixed(
        presets.load("besiroglu2024"), num_params=[[1e8], [1e9]], flops=[1e19, 1e20, 1e21]
    )
    for leaf in jax.tree.leaves(plan):
        assert leaf.shape == (2, 3)
    assert isinstance(plan.loss, np.ndarray)
    assert plan.loss.dtype == np.float64
    assert not jax.config.read("jax_enable_x64")


def test_batches_of_any_size_give_the_same_plans():
    law = presets.load("busbridge2025_supervised")
    budgets = np.logspace(16, 26, 4097)
    whole = compute_optimal(law, flops=budgets)
    np.testing.assert_allclose(
        compute_optimal(law, flops=budgets[-3:]).num_params, whole.num_params[-3:], rtol=1e-12
    )


def test_serving_is_paid_from_the_budget_and_calls_for_a_smaller_model():
    law = presets.load("besiroglu2024")
    budgets = np.logspace(19, 25, 4)[:, None]
    served = np.array([0, 1e10, 1e12, 1e14])
    plan = compute_optimal(law, flops=budgets, num_inference_tokens=served)
    assert (np.diff(plan.num_params, axis=1) < 0).all()
    np.testing.assert_allclose(
        2 * plan.num_params * (3 * plan.num_tokens + served), budgets + 0 * served, rtol=1e-12
    )
    sizes = np.logspace(3, 13, 20_001)[:, None, None]
    tokens = (budgets / (2 * sizes) - served) / 3
    terms = law.A / sizes**law.alpha + law.B / np.maximum(tokens, 1e3) ** law.beta
    scanned = np.where(tokens >= 1e3, law.E + terms, np.inf).min(axis=0)
    assert (plan.loss <= scanned + 1e-9).all()
    assert (plan.loss >= scanned - 1e-5).all()
