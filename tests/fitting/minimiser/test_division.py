"""Fits on several devices: virtual devices of a CPU, in a process of their own."""

import jax
import pytest

from fitting import fits_on_devices
from tests.eight_devices import run_on_eight

BEFORE = """
import jax, numpy as np
from jax.sharding import Mesh
import fitting.minimiser.multi_start as multi_start
import jaxlaws.foundations.concurrency as concurrency
from fitting import Runs, fit, fits_on_devices, profile
from jaxlaws import presets
from jaxlaws.laws.chinchilla import Chinchilla

multi_start._BLOCK = 4
size, tokens = (x.ravel() for x in np.meshgrid([1e8, 4e8, 2e9, 1e10], [2e9, 2e10, 1e11, 5e11]))
loss = presets.load("besiroglu2024").loss(num_params=size, num_tokens=tokens)
loss *= np.exp(0.01 * np.random.default_rng(0).normal(size=16))
runs = Runs.read({"num_params": size, "num_tokens": tokens, "loss": loss})

def fitted(**more):
    return fit(Chinchilla, runs, num_starts=22, freeze={"E": 1.8, "B": 410.0, "beta": 0.28}, **more)

def check(one, other):
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    for a, b in pairs:
        np.testing.assert_allclose(a, b, rtol=1e-12)

mesh = Mesh(np.array(jax.devices()).reshape(2, 4), ("a", "b"))
"""

STARTS_AND_DRAWS = """
def numbers(result):
    return result.law, result.ensemble, result.ensemble_status, result.objective_by_start

# Of the last blocks, some are not full, and some devices have no entry of their own.
alone, sizes, texts = fitted(bootstrap=37), [], []
original = concurrency.on_each_device
def spied(program, mesh, *args, **kwargs):
    run = original(program, mesh, *args, **kwargs)
    def call(leaves):
        if program.__name__ == "descend" and not texts:
            texts.append(run.lower(leaves).as_text())
        sizes.append(mesh.size)
        return run(leaves)
    return call
concurrency.on_each_device = spied
for devices, size in ((jax.devices()[:1], None), (jax.devices()[:2], 2), (mesh, 8)):
    sizes.clear()
    with fits_on_devices(devices):
        check(numbers(alone), numbers(fitted(bootstrap=37)))
    assert set(sizes) == (set() if size is None else {size})
# Each device has loops of its own, in which no device sends anything to another one.
assert "stablehlo.while" in texts[0]
sent = ("all_reduce", "all_gather", "all_to_all", "collective", "reduce_scatter")
assert not any(word in texts[0] for word in sent)
print("done")
"""

PROFILES = """
alone = profile(fitted(), runs, "alpha")
with fits_on_devices(mesh):
    divided = profile(fitted(), runs, "alpha")
check((alone.values, alone.deviances), (divided.values, divided.deviances))
print("done")
"""


def test_starts_and_draws_have_the_same_numbers_on_1_2_and_8_devices():
    run_on_eight(BEFORE + STARTS_AND_DRAWS)


@pytest.mark.slow
def test_a_profile_has_the_same_numbers_on_8_devices():
    run_on_eight(BEFORE + PROFILES)


def test_no_devices_are_an_error():
    with pytest.raises(ValueError, match=r"devices of this process, got none"), fits_on_devices([]):
        pass


def test_a_device_of_another_process_is_an_error():
    class Far:
        process_index = 3

        def __str__(self):
            return "device 7"

    with (
        pytest.raises(ValueError, match=r"got device 7 of process 3: use jax.local_devices"),
        fits_on_devices([jax.devices()[0], Far()]),  # pyright: ignore[reportArgumentType]
    ):
        pass
