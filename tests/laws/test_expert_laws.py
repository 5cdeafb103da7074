"""Mixtures of experts and sparse weights: published numbers, formulas anew, limits."""

from typing import Any

import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.laws.chinchilla import Chinchilla

pytestmark = pytest.mark.usefixtures("x64")

SIZE = np.geomspace(1e7, 1e12, 6)[:, None]
TOKENS = np.geomspace(1e9, 1e13, 5)[None, :]
ROUTERS = {
    "clark2022_sbase": (-0.082, -0.108, 0.009, 1.104, 1.847, 314.478),
    "clark2022_rl": (-0.083, -0.126, 0.012, 1.111, 1.880, 469.982),
    "clark2022_hash": (-0.087, -0.136, 0.012, 1.157, 4.175, 477.741),
}


@pytest.mark.parametrize(("name", "coefficients"), ROUTERS.items())
def test_clarks_formula_anew(name, coefficients):
    a, b, c, d, start, most = coefficients
    experts = np.array([1.0, 2.0, 8.0, 64.0, 512.0])[None, :]
    effective = 1 / (1 / (experts - 1 + 1 / (1 / start - 1 / most)) + 1 / most)
    x, y = np.log10(SIZE), np.log10(effective)
    law = presets.load(name)
    predicted = law.loss(num_params=SIZE, num_experts=experts)
    np.testing.assert_allclose(predicted, 10 ** (a * x + b * y + c * x * y + d), rtol=1e-12)
    assert np.asarray(effective)[0, 0] == pytest.approx(start, rel=1e-12)
    endless = 10 ** (a * x + (b + c * x) * np.log10(most) + d)
    np.testing.assert_allclose(law.loss(num_params=SIZE, num_experts=np.inf), endless, rtol=1e-12)


def test_the_logarithm_is_to_base_ten():
    """At 1e9 parameters the law with one effective expert lies near that of the dense models."""
    law = presets.load("clark2022_sbase")
    alone = 10 ** (law.a * 9 + law.d)
    assert alone == pytest.approx(2.32, abs=5.1e-3)
    dense = (3.568e13 / 1e9) ** 0.078
    assert dense == pytest.approx(2.27, abs=5.1e-3)
    assert np.exp(law.a * np.log(1e9) + law.d) == pytest.approx(0.55, abs=5.1e-3)


@pytest.mark.parametrize(
    ("name", "published"),
    [("clark2022_sbase", 937e9), ("clark2022_rl", 85e9), ("clark2022_hash", 83e9)],
)
def test_where_experts_cease_to_help(name, published):
    """The printed cutoffs lie within the rounding of b and c, whose quotient is their exponent."""
    law = presets.load(name)
    low, high = ((-law.b - s * 5e-4) / (law.c + s * 5e-4) for s in (1, -1))
    assert low < np.log10(published) < high
    cutoff = 10 ** (-law.b / law.c)
    few, many = ({"num_experts": experts} for experts in (4, 256))
    for size, helps in ((cutoff / 2, True), (cutoff * 2, False)):
        better = law.loss(num_params=size, **many) < law.loss(num_params=size, **few)
        assert bool(better) == helps


def test_krajewskis_formula_anew():
    law = presets.load("krajewski2024")
    for granularity in (1.0, 4.0, 16.0):
        amplitude = 2.1 / granularity**0.58 + 18.1
        expected = 0.47 + amplitude / SIZE**0.115 + 30.8 / TOKENS**0.147
        predicted = law.loss(num_params=SIZE, num_tokens=TOKENS, granularity=granularity)
        np.testing.assert_allclose(predicted, expected, rtol=1e-12)
    finer = law.loss(num_params=1e9, num_tokens=1e11, granularity=np.geomspace(1, 64, 20))
    assert np.all(np.diff(finer) < 0)


def test_a_dense_model_of_krajewski_is_chinchillas():
    law = presets.load("krajewski2024_dense")
    plain: Any = Chinchilla(E=0.47, A=16.3, alpha=0.126, B=26.7, beta=0.127)
    expected = plain.loss(num_params=SIZE, num_tokens=TOKENS)
    for granularity in (1.0, 16.0):
        predicted = law.loss(num_params=SIZE, num_tokens=TOKENS, granularity=granularity)
        np.testing.assert_allclose(predicted, expected, rtol=1e-13)


def test_abnars_formula_anew():
    law = presets.load("abnar2025")
    for sparsity in (0.0, 0.5, 0.98):
        expected = (
            16612.5 / SIZE**0.5962
            + 5455.67 / TOKENS**0.3954
            + 0.4598 / (1 - sparsity) ** -0.1666
            + 17.26 / ((1 - sparsity) ** 0.1603 * SIZE**0.1595)
            + 0.94
        )
        predicted = law.loss(num_params=SIZE, num_tokens=TOKENS, density=1 - sparsity)
        np.testing.assert_allclose(predicted, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "coefficients"),
    [
        ("frantar2023_t5", (16.8, 0.722, 45.0, 0.245, 6.90e8, 0.203, 0.651)),
        ("frantar2023_vit", (294, 0.821, 468, 0.392, 2.37e8, 0.890, 4.517)),
    ],
)
def test_frantars_formula_anew(name, coefficients):
    a_S, b_S, c_S, b_N, a_D, b_D, c = coefficients
    law = presets.load(name)
    for sparsity in (0.0, 0.5, 0.875):
        amplitude = a_S * (1 - sparsity) ** b_S + c_S
        expected = amplitude * SIZE**-b_N + (a_D / TOKENS) ** b_D + c
        predicted = law.loss(num_params=SIZE, num_tokens=TOKENS, density=1 - sparsity)
        np.testing.assert_allclose(predicted, expected, rtol=1e-12)
    # As many weights that are not zero: the sparser, the better.
    losses = law.loss(num_params=1e8, num_tokens=1e11, density=np.linspace(0.01, 1, 20))
    assert np.all(np.diff(losses) > 0)
