"""Plans over several devices, virtual ones: the numbers are those of one device."""

import json
import os
import re
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


_SHARD_MAP = """
import json
import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec
from jaxlaws import presets
from jaxlaws.planning import Planner, compute_optimal, flops_to_reach, train_fixed

law = presets.load("besiroglu2024")
mesh = jax.make_mesh((2,), ("b",), axis_types=(jax.sharding.AxisType.Auto,))
budgets, targets = jnp.geomspace(1e20, 1e24, 4), jnp.linspace(2.9, 2.4, 4)

def optimal(flops, law):
    return compute_optimal(law, flops=flops).loss

def reached(target, law):
    return jnp.log(flops_to_reach(train_fixed, law, target_loss=target, num_params=1e9).flops)

def spread(function):
    parts = PartitionSpec("b")
    in_specs = (parts, PartitionSpec())
    return jax.shard_map(function, mesh=mesh, in_specs=in_specs, out_specs=parts)

def answers(function, given):
    value = jax.jit(function).lower(given, law).compile()
    slopes = jax.jit(jax.grad(lambda *given: function(*given).sum(), argnums=(0, 1)))
    slopes = slopes.lower(given, law).compile()
    by_input, by_law = slopes(given, law)
    return {
        "value": value(given, law).tolist(),
        "by_input": by_input.tolist(),
        "by_law": [float(leaf) for leaf in jax.tree.leaves(by_law)],
        "texts": [value.as_text(), slopes.as_text()],
    }

print(json.dumps([
    [answers(way(function), given) for way in (spread, lambda plain: plain)]
    for function, given in ((optimal, budgets), (reached, targets))
]))
"""


def _planned_on(num_devices, program=_PROGRAM):
    flags = f"--xla_force_host_platform_device_count={num_devices}"
    if program is _SHARD_MAP:  # fast to compile; the numbers do not depend on it
        flags += " --xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    done = subprocess.run(
        [sys.executable, "-c", program],
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


def _in_loops(text):
    """The text of all computations that a loop of a compiled program runs."""
    parts = re.split(r"\n(?=%|ENTRY)", text)
    named = {
        part.split()[part.startswith("ENTRY")].lstrip("%"): part for part in parts if "{" in part
    }
    names = re.findall(r"(?:body|condition)=%?([\w.-]+)", text)
    reached = set()
    while names:
        name = names.pop()
        if name in named and name not in reached:
            reached.add(name)
            names += re.findall(r"%([\w.-]+)", named[name])
    return "".join(named[name] for name in reached)


def test_shard_map_plans_each_part_on_its_own_device():
    communication = re.compile("all-reduce|all-gather|all-to-all|collective-permute")
    for spread, plain in _planned_on(2, _SHARD_MAP):
        for name in ("value", "by_input", "by_law"):
            assert spread[name] == pytest.approx(plain[name], rel=1e-5), name
        value, slopes = spread["texts"]
        assert not communication.search(value)
        assert communication.search(slopes)  # the gradients of the law are summed
        assert _in_loops(slopes)
        assert not communication.search(_in_loops(slopes))
