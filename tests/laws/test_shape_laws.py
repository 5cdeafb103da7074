"""Broken power laws and Farseer: formulas written out anew, limits, shapes."""

from typing import Any

import jax
import numpy as np
import pytest

from fitting.problem.bijections import constrain, unconstrain
from jaxlaws import load, save
from jaxlaws.laws.farseer import Farseer
from jaxlaws.laws.one_input.broken_power import BrokenPower

pytestmark = pytest.mark.usefixtures("x64")

SCALE = np.geomspace(1e2, 1e16, 29)


def broken(num_breaks) -> Any:
    some = np.arange(num_breaks)
    return BrokenPower(
        a=0.4, b=30.0, c0=0.3, c=0.1 - 0.15 * some, d=10.0 ** (5 + 4 * some), f=0.2 + 0.3 * some
    )


@pytest.mark.parametrize("num_breaks", [0, 1, 2, 3])
def test_any_number_of_breaks(num_breaks):
    law: Any = broken(num_breaks)
    expected = 30.0 * SCALE**-0.3
    for c, d, f in zip(law.c, law.d, law.f, strict=True):
        expected = expected * (1 + (SCALE / d) ** (1 / f)) ** (-c * f)
    np.testing.assert_allclose(law.loss(scale=SCALE), 0.4 + expected, rtol=1e-12)
    assert law.loss(scale=SCALE[None, :, None]).shape == (1, 29, 1)


def test_one_break_may_be_three_numbers():
    one: Any = broken(1)
    same: Any = BrokenPower(a=0.4, b=30.0, c0=0.3, c=0.1, d=1e5, f=0.2)
    np.testing.assert_array_equal(one.loss(scale=SCALE), same.loss(scale=SCALE))


def test_slopes_on_both_sides_of_sharp_breaks():
    c, d, f = np.array([[0.2, -0.4], [1e4, 1e9], [0.1, 0.1]])
    law: Any = BrokenPower(a=0.0, b=1.0, c0=0.3, c=c, d=d, f=f)
    slope = jax.grad(lambda log_scale: jax.numpy.log(law.loss(scale=jax.numpy.exp(log_scale))))
    slopes = [float(slope(np.log(scale))) for scale in (1e1, 10**6.5, 1e14)]
    np.testing.assert_allclose(slopes, [-0.3, -0.5, -0.1], atol=1e-12)


@pytest.mark.parametrize(
    ("c", "limit"), [(0.5, 0.4), (-0.25, 0.4 + 2 * 0.5**-0.25), (-0.5, np.inf)]
)
def test_the_limit_depends_on_the_last_slope(c, limit):
    law: Any = BrokenPower(a=0.4, b=2.0, c0=0.25, c=c, d=0.5, f=0.5)
    assert float(law.loss(scale=np.inf)) == pytest.approx(limit, rel=1e-15)


def test_breaks_live_through_files_bijections_and_batches(tmp_path):
    law: Any = broken(2)
    save(law, tmp_path / "law.json")
    batch = jax.tree.map(lambda leaf: np.stack([leaf, leaf]), law)
    for same in (load(tmp_path / "law.json"), constrain(unconstrain(law))):
        np.testing.assert_allclose(same.loss(scale=SCALE), law.loss(scale=SCALE), rtol=1e-12)
    losses = jax.vmap(lambda law: law.loss(scale=SCALE))(batch)
    np.testing.assert_allclose(losses[1], law.loss(scale=SCALE), rtol=1e-14)


# Of the published size and signs; not the published coefficients, which we could not check.
FARSEER: Any = Farseer(
    a1=-0.12, b1=0.4, alpha=0.12, a2=90.0, b2=-6.0, beta=-0.1, a3=-0.02, b3=-0.1, gamma=0.17
)


def test_farseer_anew():
    size, tokens = np.geomspace(1e7, 1e12, 6)[:, None], np.geomspace(1e9, 1e14, 6)[None, :]
    floor = np.exp(-0.02 * size**0.17 - 0.1)
    amplitude, exponent = np.exp(90 * size**-0.1 - 6), np.exp(-0.12 * size**0.12 + 0.4)
    predicted = FARSEER.loss(num_params=size, num_tokens=tokens)
    np.testing.assert_allclose(predicted, floor + amplitude * tokens**-exponent, rtol=1e-12)


def test_farseer_on_endless_data_and_of_endless_size():
    size = 1e9
    floor = np.exp(-0.02 * size**0.17 - 0.1)
    assert float(FARSEER.loss(num_params=size, num_tokens=np.inf)) == pytest.approx(floor)
    # The exponent of tokens goes to zero, what is left is the amplitude.
    value, slopes = jax.value_and_grad(lambda law: law.loss(num_params=np.inf, num_tokens=1e10))(
        FARSEER
    )
    assert float(value) == pytest.approx(np.exp(-6.0), rel=1e-13)
    assert all(np.isfinite(leaf) for leaf in jax.tree.leaves(slopes))


def test_with_constant_terms_farseer_is_a_power_law_in_tokens():
    law: Any = Farseer(
        a1=0.0, b1=-1.0, alpha=0.1, a2=0.0, b2=6.0, beta=0.1, a3=0.0, b3=0.5, gamma=0.1
    )
    tokens = np.geomspace(1e9, 1e13, 5)
    expected = np.exp(0.5) + np.exp(6.0) / tokens ** np.exp(-1.0)
    np.testing.assert_allclose(law.loss(num_params=1e9, num_tokens=tokens), expected, rtol=1e-13)
