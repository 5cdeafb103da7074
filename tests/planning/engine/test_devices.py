"""Plans on several devices: virtual devices of a CPU, in a process of their own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import Mixture, compute_optimal, on_devices
from jaxlaws.planning.engine import devices, evaluation
from jaxlaws.precision import float64
from tests.eight_devices import run_on_eight

LAW = presets.load("besiroglu2024")
BUDGETS = np.geomspace(1e18, 1e25, 24)

ON_EIGHT = """
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
from jaxlaws import presets
from jaxlaws.planning import compute_optimal, on_devices
import jaxlaws.planning.engine.devices as place

jax.config.update("jax_enable_x64", True)
law, budgets = presets.load("besiroglu2024"), np.geomspace(1e18, 1e25, 24)
mesh = Mesh(np.array(jax.devices()), ("d",))
divided = jax.device_put(budgets, NamedSharding(mesh, P("d")))
alone = compute_optimal(law, flops=budgets)

def check(plan, same=alone, count=24):
    for name in ("num_params", "num_tokens", "loss"):
        np.testing.assert_allclose(getattr(plan, name), getattr(same, name)[:count], rtol=1e-12)
    worth = plan.marginal_values.flops
    np.testing.assert_allclose(worth, same.marginal_values.flops[:count], rtol=1e-12)
    np.testing.assert_array_equal(plan.status, same.status[:count])

# The plan of a divided batch stays divided, and no device waits for another one in a loop.
plan = compute_optimal(law, flops=divided)
check(plan)
assert plan.loss.sharding.is_equivalent_to(divided.sharding, 1), plan.loss.sharding
assert plan.shares.student.sharding.is_equivalent_to(divided.sharding, 1)
texts, original = [], place.on_each_device
def spied(*args):
    run = original(*args)
    def call(numbers):
        texts.append(run.lower(numbers).compile().as_text())
        return run(numbers)
    return call
place.on_each_device = spied
compute_optimal(law, flops=divided)
place.on_each_device = original
assert "while" in texts[0] and "all-reduce" not in texts[0]
# An invalid entry is marked, as inside a trace.
bad = jax.device_put(np.where(np.arange(24) == 3, -1.0, budgets), NamedSharding(mesh, P("d")))
assert np.asarray(compute_optimal(law, flops=bad).status)[3] != 0

# NumPy arrays on 1, 2 and 8 devices, also where the batch does not divide evenly.
for count, used in ((24, 1), (24, 2), (24, 8), (19, 8)):
    plan = on_devices(compute_optimal, law, {"flops": budgets[:count]}, jax.devices()[:used])
    check(plan, count=count)

# A single entry, and none.
one = on_devices(compute_optimal, law, {"flops": budgets[5]})
assert one.loss.shape == () and abs(one.loss / alone.loss[5] - 1) < 1e-12
nothing = jax.device_put(budgets[:0], divided.sharding)
assert compute_optimal(law, flops=nothing).loss.shape == (0,)
try:
    on_devices(compute_optimal, law, {"flops": []})
except ValueError as error:
    assert "nothing to plan" in str(error)
else:
    raise AssertionError("no error")

# Draws and budgets.
laws = jax.tree.map(lambda leaf: leaf * np.linspace(0.99, 1.01, 5)[:, None], law)
both = on_devices(compute_optimal, laws, {"flops": budgets[:3]}, mesh)
assert both.loss.shape == (5, 3)
np.testing.assert_allclose(both.loss, compute_optimal(laws, flops=budgets[:3]).loss, rtol=1e-12)
print("done")
"""


def test_plans_on_eight_devices():
    run_on_eight(ON_EIGHT)


def test_arrays_of_jax_give_arrays_of_jax():
    plan = compute_optimal(LAW, flops=jnp.asarray(BUDGETS, jnp.float32))
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(plan))
    assert plan.loss.dtype == jnp.float32
    np.testing.assert_allclose(plan.loss, compute_optimal(LAW, flops=BUDGETS).loss, rtol=1e-6)
    assert isinstance(compute_optimal(LAW, flops=BUDGETS).loss, np.ndarray)


def test_an_invalid_array_in_the_memory_of_the_host_is_an_error():
    with pytest.raises(ValueError, match="flops must be positive"):
        compute_optimal(LAW, flops=jnp.array([1e21, -1.0]))


def test_an_accelerator_gives_the_same_plans_in_batches_of_its_own(monkeypatch):
    """The CPU is taken for an accelerator."""
    monkeypatch.setattr(devices, "_OF_ACCELERATOR", devices.BatchSizes(2048, 2100, 4096))
    sizes = []

    def first_pass(size, original=evaluation._first_pass):
        sizes.append(size)
        return original(size)

    monkeypatch.setattr(evaluation, "_first_pass", first_pass)
    random = np.random.default_rng(0)
    # Bounds that are just active are left to the second pass.
    inputs = {
        "flops": 10 ** random.uniform(19, 25, 4250),
        "num_params_bounds": (10 ** random.uniform(8, 10, 4250), np.full(4250, 1e12)),
    }
    few = jax.tree.map(lambda leaf: leaf[:40], inputs)
    expected = [compute_optimal(LAW, **given) for given in (inputs, few)]
    sizes.clear()
    monkeypatch.setattr(evaluation, "platform_of", lambda: "gpu")
    for given, plan, used in zip(
        (inputs, few), expected, ([2100, 2100, 2048], [2048]), strict=True
    ):
        found = compute_optimal(LAW, **given)
        for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(plan), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12)
        assert sorted(sizes, reverse=True) == used
        sizes.clear()


def test_the_sizes_of_batches_depend_on_the_platform_and_on_the_laws_of_a_mixture():
    draws = jax.tree.map(lambda leaf: np.full(64, leaf), LAW)
    assert devices.batch_sizes("cpu", Mixture(laws=draws)) == devices.batch_sizes("cpu", LAW)
    alone, mixed = (devices.batch_sizes("gpu", law) for law in (LAW, Mixture(laws=draws)))
    assert mixed.small == alone.small == mixed.large < alone.large
    assert mixed.traced * 64 == alone.traced
    # The host's CPU polishes what a platform without float64 finds.
    assert devices.batch_sizes("tpu", LAW)[:2] == devices.batch_sizes("cpu", LAW)[:2]


def test_blocks_inside_a_trace_give_the_same_plans(monkeypatch):
    monkeypatch.setattr(devices, "_OF_CPU", devices.BatchSizes(16, 2048, 7))
    with float64():
        blocks = jax.jit(lambda flops: compute_optimal(LAW, flops=flops))(BUDGETS.reshape(4, 6))
        slopes = jax.jit(jax.grad(lambda f: jnp.sum(compute_optimal(LAW, flops=f).loss)))(BUDGETS)
    alone = compute_optimal(LAW, flops=BUDGETS)
    np.testing.assert_allclose(blocks.num_params, alone.num_params.reshape(4, 6), rtol=1e-12)
    np.testing.assert_array_equal(blocks.status, alone.status.reshape(4, 6))
    worth = alone.marginal_values.flops.reshape(4, 6)
    np.testing.assert_allclose(blocks.marginal_values.flops, worth, rtol=1e-12)
    np.testing.assert_allclose(
        np.asarray(slopes) * BUDGETS, -alone.marginal_values.flops, rtol=1e-6
    )


def test_one_device_needs_no_division():
    alone = compute_optimal(LAW, flops=BUDGETS)
    plan = on_devices(compute_optimal, LAW, {"flops": BUDGETS})
    np.testing.assert_allclose(plan.loss, alone.loss, rtol=1e-12)
