"""The least compute over a model's life, against published examples and dense scans."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.planning import Status, compute_optimal, serve


def _excess(law, num_params, num_tokens):
    """The loss above the irreducible one, in NumPy."""
    if hasattr(law, "N_c"):
        of_size = (law.N_c / num_params) ** (law.alpha_N / law.alpha_D)
        return (of_size + law.D_c / num_tokens) ** law.alpha_D
    terms = law.A / num_params**law.alpha + law.B / num_tokens**law.beta
    return terms ** getattr(law, "gamma", 1.0)


@pytest.mark.parametrize(
    ("num_params", "num_tokens", "served", "smaller", "longer", "saved"),
    [
        (30e9, 1.556e12, 5e12, 16.41e9, 3.265e12, 0.163),
        (70e9, 4.255e12, 1e13, 41.55e9, 7.923e12, 0.119),
        (7e9, 0.276e12, 1e11, 6.00e9, 0.325e12, 0.008),
    ],
)
def test_published_examples(num_params, num_tokens, served, smaller, longer, saved):
    """Sardana et al. 2023: at equal quality, over the life of a model."""
    law = Chinchilla(E=1.69, A=406.4, alpha=0.336, B=410.7, beta=0.283)
    quality = law.E + _excess(law, num_params, num_tokens)
    plan = serve(law, num_inference_tokens=served, target_loss=quality)
    np.testing.assert_allclose(plan.num_params, smaller, rtol=2e-3)
    np.testing.assert_allclose(plan.num_tokens, longer, rtol=2e-3)
    assert 1 - plan.flops / (2 * num_params * (3 * num_tokens + served)) == pytest.approx(
        saved, abs=1e-3
    )
    ratio = law.alpha * law.A / plan.num_params**law.alpha
    ratio /= law.beta * law.B / plan.num_tokens**law.beta
    np.testing.assert_allclose(ratio, 1 + served / (3 * plan.num_tokens), rtol=1e-8)


@pytest.mark.parametrize("name", ["besiroglu2024", "busbridge2025_supervised", "kaplan2020"])
@pytest.mark.parametrize("bounds", [(1e3, 1e17), (1e7, 1e11)])
def test_no_run_of_a_dense_scan_is_cheaper(name, bounds):
    law = presets.load(name)
    rng = np.random.default_rng(0)
    best, worst = (_excess(law, end, end) for end in reversed(bounds))
    wanted = np.exp(rng.uniform(np.log(best * 1.05), np.log(worst), 100))
    served = 10 ** rng.uniform(3, 16, 100)
    plan = serve(
        law,
        num_inference_tokens=served,
        target_loss=getattr(law, "E", 0.0) + wanted,
        num_params_bounds=bounds,
        num_tokens_bounds=bounds,
    )
    assert (plan.status <= Status.ON_BOUND).all()
    reached = _excess(law, plan.num_params, plan.num_tokens)
    assert (reached <= wanted * (1 + 1e-8)).all()

    # Of each size, the fewest tokens, by bisection.
    sizes = np.geomspace(bounds[0], bounds[1], 601)[:, None]
    low, high = (np.full((601, 100), np.log(end)) for end in bounds)
    low_enough = _excess(law, sizes, bounds[1]) <= wanted
    for _ in range(50):
        middle = (low + high) / 2
        enough = _excess(law, sizes, np.exp(middle)) <= wanted
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    cost = np.where(low_enough, 2 * sizes * (3 * np.exp(high) + served), np.inf)
    ratio = plan.flops / cost.min(axis=0)
    assert ratio.max() <= 1 + 1e-8
    assert ratio.min() > np.exp(-np.log(bounds[1] / bounds[0]) / 600)  # one step of the scan


def test_a_loss_and_the_budget_that_reaches_it_have_one_plan():
    law = presets.load("busbridge2025")
    budgets = np.geomspace(1e17, 1e27, 21)
    spent = serve(law, num_inference_tokens=1e12, flops=budgets)
    optimal = compute_optimal(law, num_inference_tokens=1e12, flops=budgets)
    jax.tree.map(np.testing.assert_array_equal, spent, optimal)
    able = spent.status == Status.CONVERGED
    assert able.sum() > 15
    saved = serve(law, num_inference_tokens=1e12, target_loss=spent.loss[able])
    np.testing.assert_allclose(saved.flops, budgets[able], rtol=1e-10)
    np.testing.assert_allclose(saved.num_params, spent.num_params[able], rtol=1e-7)
    np.testing.assert_allclose(saved.shares.serving, spent.shares.serving[able], rtol=1e-7)


def test_without_demand_it_is_compute_optimal_training():
    law = presets.load("besiroglu2024")
    plan = serve(law, num_inference_tokens=0, target_loss=2.2)
    np.testing.assert_allclose(
        compute_optimal(law, flops=plan.flops).num_params, plan.num_params, rtol=1e-7
    )
    assert plan.shares.serving == 0


def test_a_loss_out_of_reach_is_infeasible():
    law = presets.load("besiroglu2024")
    targets = [0.5, law.E, law.E + 1e-6, 2.0]
    plan = serve(law, num_inference_tokens=1e9, target_loss=targets)
    assert plan.status.tolist() == [3, 3, 3, Status.CONVERGED]
    assert np.isnan([plan.flops[:3], plan.num_params[:3], plan.loss[:3]]).all()


def test_a_loss_that_the_least_run_reaches_takes_that_run():
    law = presets.load("besiroglu2024")
    plan = serve(law, num_inference_tokens=1e9, target_loss=1e4)
    assert (plan.num_params, plan.num_tokens, plan.status) == (1e3, 1e3, Status.ON_BOUND)
    assert plan.loss < 1e4


def test_exactly_one_of_loss_and_budget_is_given():
    law = presets.load("besiroglu2024")
    with pytest.raises(ValueError, match="got both"):
        serve(law, num_inference_tokens=1e12, target_loss=2.0, flops=1e23)
    with pytest.raises(ValueError, match="got neither"):
        serve(law, num_inference_tokens=1e12)
    with pytest.raises(ValueError, match="target_loss must be positive"):
        serve(law, num_inference_tokens=1e12, target_loss=-2.0)
    with pytest.raises(ValueError, match="num_inference_tokens must not be negative"):
        serve(law, num_inference_tokens=-1.0, target_loss=2.0)
    with pytest.raises(TypeError, match="law of num_params"):
        serve(3.0, num_inference_tokens=1e12, target_loss=2.0)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_derivatives_against_central_differences():
    law = presets.load("busbridge2025_supervised")
    coefficients, tree = jax.tree.flatten(law)
    point = np.log([*coefficients, 2.1, 3e12])

    def numbers(logs):
        *values, target, served = (jnp.exp(logs[i]) for i in range(len(point)))
        plan = serve(
            jax.tree.unflatten(tree, values), num_inference_tokens=served, target_loss=target
        )
        sizes = jnp.log(jnp.stack([plan.num_params, plan.num_tokens, plan.flops]))
        return jnp.stack([*sizes, plan.loss, plan.shares.serving])

    forward, reverse = jax.jit(lambda p: (jax.jacfwd(numbers)(p), jax.jacrev(numbers)(p)))(point)
    step = 1e-4
    for index, along in enumerate(step * np.eye(len(point))):
        near = numbers(point + along) - numbers(point - along)
        far = numbers(point + 2 * along) - numbers(point - 2 * along)
        expected = np.asarray(8 * near - far) / (12 * step)
        error = np.abs(forward[:, index] - expected) / np.maximum(np.abs(expected), 1e-3)
        assert error.max() <= 1e-5, index
    np.testing.assert_allclose(forward, reverse, rtol=1e-9, atol=1e-9)


def test_inside_a_trace_in_single_precision():
    law = presets.load("besiroglu2024")
    targets = np.linspace(1.95, 3.5, 20)
    best = serve(law, num_inference_tokens=1e12, target_loss=targets)
    plan = jax.jit(lambda t: serve(law, num_inference_tokens=1e12, target_loss=t))(
        jnp.asarray([*targets, 1.5, -1.0, jnp.nan], jnp.float32)
    )
    for leaf in jax.tree.leaves(plan):
        assert leaf.dtype in (jnp.float32, jnp.int32)
    status = np.asarray(plan.status)
    assert status[20:].tolist() == [Status.INFEASIBLE] * 3
    solved = status[:20] <= Status.BUDGET_UNSPENT
    assert solved.mean() > 0.9
    for name in ("num_params", "num_tokens", "flops"):
        off = np.log10(np.asarray(getattr(plan, name), np.float64)[:20] / getattr(best, name))
        assert np.abs(off[solved]).max() <= 0.01
