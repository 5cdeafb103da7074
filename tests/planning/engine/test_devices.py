"""Plans over several devices, virtual ones: the numbers are those of one device."""

import json
import os
import subprocess
import sys

import pytest

_PROGRAM = """
import json
import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from jaxlaws import presets
from jaxlaws.planning import compute_optimal, train_fixed

jax.config.update("jax_enable_x64", True)
law = presets.load("busbridge2025_supervised")
budgets = np.geomspace(1e18, 1e25, 64)
mesh = jax.make_mesh((len(jax.devices()),), ("b",), axis_types=(jax.sharding.AxisType.Auto,))
placed = jax.device_put(budgets, NamedSharding(mesh, PartitionSpec("b")))
plan = jax.jit(jax.vmap(lambda flops: compute_optimal(law, flops=flops)))(placed)
slope = jax.jit(jax.vmap(jax.grad(lambda flops: compute_optimal(law, flops=flops).loss)))(placed)
print(json.dumps({
    "devices": len(plan.loss.sharding.device_set),
    "part": plan.loss.addressable_shards[0].data.shape[0],
    "loss": np.asarray(plan.loss).tolist(),
    "slope": np.asarray(slope).tolist(),
    "status": np.asarray(plan.status).tolist(),
}))
"""


def _planned_on(num_devices):
    flags = f"--xla_force_host_platform_device_count={num_devices}"
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env=os.environ | {"XLA_FLAGS": flags},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.slow
def test_eight_devices_give_the_numbers_of_one_and_share_the_work():
    one, eight = _planned_on(1), _planned_on(8)
    assert (eight["devices"], eight["part"]) == (8, 8)
    assert eight["loss"] == pytest.approx(one["loss"], rel=1e-12)
    assert eight["slope"] == pytest.approx(one["slope"], rel=1e-10)
    assert eight["status"] == one["status"] == [0] * 64
