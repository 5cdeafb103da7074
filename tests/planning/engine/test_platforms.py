"""The policy of precision on a platform without float64; here that of the CPU is taken away."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fitting import bundled_runs, fit, fits_on_devices
from jaxlaws import precision, presets
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.planning import Status, compute_optimal, on_devices
from jaxlaws.planning.engine import evaluation
from jaxlaws.precision import float64, has_float64, platform_of

LAW = presets.load("besiroglu2024")
BUDGETS = np.geomspace(1e18, 1e25, 24)


@pytest.fixture
def without_float64(monkeypatch):
    monkeypatch.setattr(precision, "_WITH_FLOAT64", frozenset())


def largest_gap(plan, exact):
    return max(
        np.max(np.abs(getattr(plan, name) / getattr(exact, name) - 1))
        for name in ("num_params", "num_tokens", "loss")
    )


def test_platforms():
    assert all(map(has_float64, ("cpu", "gpu", "cuda", "rocm")))
    assert not any(map(has_float64, ("tpu", "METAL", "a platform of the future")))
    here = jnp.zeros(2)
    assert platform_of() == platform_of(here) == "cpu"
    with jax.default_device(jax.devices()[0]):
        assert platform_of() == "cpu"
    with jax.default_device("tpu"):  # JAX takes the name of a platform as well
        assert platform_of() == "tpu"
        assert platform_of([np.ones(3), here]) == "cpu"


def test_a_plan_of_numpy_arrays_is_searched_in_float32_and_polished_in_float64(
    without_float64, monkeypatch
):
    searched = []
    first_pass = evaluation._first_pass

    def recorded(size):
        def run(*args):
            found = first_pass(size)(*args)
            searched.append(found[1].dtype)
            return found

        return run

    monkeypatch.setattr(evaluation, "_first_pass", recorded)
    plan = compute_optimal(LAW, flops=BUDGETS)
    assert set(searched) == {np.dtype(np.float32)}
    monkeypatch.undo()  # the platform has float64 again
    exact = compute_optimal(LAW, flops=BUDGETS)
    assert plan.precision == exact.precision == "float64"
    assert all(isinstance(leaf, np.ndarray) for leaf in jax.tree.leaves(plan))
    assert largest_gap(plan, exact) < 1e-9
    np.testing.assert_array_equal(plan.status, exact.status)
    # The optimum in closed form: A alpha / N**alpha = B beta / D**beta, with 6 N D = C.
    both = LAW.alpha * LAW.A / plan.num_params**LAW.alpha
    np.testing.assert_allclose(both, LAW.beta * LAW.B / plan.num_tokens**LAW.beta, rtol=1e-8)


def test_an_impossible_entry_is_infeasible_there_too(without_float64):
    plan = compute_optimal(LAW, flops=[1e10, 1e21], num_params_bounds=(1e8, 1e9))
    assert list(plan.status) == [Status.INFEASIBLE, Status.ON_BOUND]


def test_a_trace_computes_in_float32(without_float64):
    def answer(flops, precision=None):
        return compute_optimal(LAW, flops=flops, precision=precision)

    plan = jax.jit(answer)(jnp.asarray(BUDGETS, jnp.float32))
    single = jax.jit(lambda flops: answer(flops, "float32"))(jnp.asarray(BUDGETS, jnp.float32))
    for one, other in zip(jax.tree.leaves(plan), jax.tree.leaves(single), strict=True):
        np.testing.assert_array_equal(one, other)
    assert plan.precision == "float32"
    exact = compute_optimal(LAW, flops=BUDGETS)
    # Solved within the tolerances of float32: the loss to its digits, the sizes to .01 decade.
    assert np.all(np.asarray(plan.status) == Status.CONVERGED)
    np.testing.assert_allclose(plan.loss, exact.loss, rtol=1e-6)
    assert 1e-9 < largest_gap(plan, exact) < 0.02
    with pytest.raises(ValueError, match="float64' is not possible on the platform 'cpu'"):
        jax.jit(lambda flops: answer(flops, "float64"))(1e21)
    # NumPy arrays have float64 on every platform.
    np.testing.assert_array_equal(answer(BUDGETS, "float64").loss, exact.loss)


def test_devices_without_float64_answer_in_float32(without_float64):
    plan = on_devices(compute_optimal, LAW, {"flops": BUDGETS})
    assert plan.precision == "float32"
    assert isinstance(plan.loss, np.ndarray)
    np.testing.assert_allclose(plan.loss, compute_optimal(LAW, flops=BUDGETS).loss, rtol=1e-6)


def test_float64_is_that_of_the_host(without_float64):
    with float64():
        device = jax.config.jax_default_device  # pyright: ignore[reportAttributeAccessIssue]
        assert device == jax.devices("cpu")[0]
        assert jnp.ones(2).dtype == np.float64
    with (
        pytest.raises(ValueError, match="fits need float64, which the platform 'cpu' has not"),
        fits_on_devices(),
    ):
        pass


@pytest.mark.slow
def test_fits_are_those_of_the_host(without_float64):
    result = fit(Chinchilla, bundled_runs("supervised"))
    assert result.precision == "float64"
    assert result.status.name == "CONVERGED"
