"""Laws of precision and of vocabulary: published numbers, formulas anew, limits."""

from typing import Any

import jax
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.laws.further_inputs.precision import Precision

pytestmark = pytest.mark.usefixtures("x64")

SIZE = np.geomspace(1e7, 1e10, 4)[:, None]
TOKENS = np.geomspace(1e9, 1e13, 5)[None, :]

# The published scales of bits and of quantisation; E and B are of our own choice.
LAW: Any = Precision(
    E=2.5, A=4299.0, alpha=0.4965, B=2e4, beta=0.4965, g_w=2.6745, g_a=2.2102, g_kv=0.9578,
    C_T=0.0598, D_0=1.0, g_D=0.5068, N_0=1.0, g_N=0.3439, g_post=0.5907,
)  # fmt: skip
BITS = ("weight_bits", "activation_bits", "kv_bits", "post_training_bits")
EXACT = dict.fromkeys(BITS, np.inf)


def test_the_formula_of_precision_anew():
    for weights, activations, kv, after in ((4, 8, 16, 3), (16, 16, 16, 4), (3, 4, 5, 16)):
        kept = 1 - np.exp(-weights / 2.6745)
        kept *= (1 - np.exp(-activations / 2.2102)) * (1 - np.exp(-kv / 0.9578))
        added = 0.0598 * TOKENS**0.5068 / SIZE**0.3439 * np.exp(-after / 0.5907)
        expected = 2.5 + 4299 * (SIZE * kept) ** -0.4965 + 2e4 * TOKENS**-0.4965 + added
        bits = dict(zip(BITS, (weights, activations, kv, after), strict=True))
        predicted = LAW.loss(num_params=SIZE, num_tokens=TOKENS, **bits)
        np.testing.assert_allclose(predicted, expected, rtol=1e-12)


def test_exact_numbers_cost_nothing():
    expected = 2.5 + 4299 * SIZE**-0.4965 + 2e4 * TOKENS**-0.4965
    predicted = LAW.loss(num_params=SIZE, num_tokens=TOKENS, **EXACT)
    np.testing.assert_allclose(predicted, expected, rtol=1e-12)
    slopes = jax.grad(lambda law: law.loss(num_params=1e9, num_tokens=1e11, **EXACT))(LAW)
    assert all(np.isfinite(leaf) for leaf in jax.tree.leaves(slopes))


@pytest.mark.parametrize("name", BITS)
def test_bits_never_hurt(name):
    bits = EXACT | {name: np.linspace(1, 32, 100)}
    assert np.all(np.diff(LAW.loss(num_params=1e9, num_tokens=1e11, **bits)) <= 0)


def test_more_tokens_can_hurt_a_model_that_is_quantised_afterwards():
    tokens = np.geomspace(1e10, 1e14, 60)
    losses = LAW.loss(num_params=1e9, num_tokens=tokens, **(EXACT | {"post_training_bits": 4}))
    best = int(np.argmin(losses))
    assert 0 < best < 59
    assert np.all(np.diff(losses[best:]) > 0)
    assert np.all(np.diff(LAW.loss(num_params=1e9, num_tokens=tokens, **EXACT)) < 0)


def test_the_best_precision_does_not_depend_on_compute():
    """Cost N D P, tied exponents and one scale g of three: 1.904 g, by brute force."""
    law: Any = Precision(**(vars(LAW) | dict.fromkeys(("g_w", "g_a", "g_kv"), 2.0)))
    bits = np.linspace(3.0, 5.0, 201)[:, None]
    for cost in (1e22, 1e25):
        sizes = np.geomspace(1e7, 1e12, 4001)[None, :]
        alike = dict.fromkeys(BITS[:3], bits)
        losses = law.loss(
            num_params=sizes, num_tokens=cost / (sizes * bits), post_training_bits=np.inf, **alike
        )
        best = bits[np.argmin(losses.min(axis=1)), 0]
        assert best / 2.0 == pytest.approx(1.904, abs=0.006)


def test_units_of_quantisation_are_units():
    """C_T in other units of tokens and parameters predicts the same."""
    factor = 1e10**LAW.g_D / 1e9**LAW.g_N
    other: Any = Precision(**(vars(LAW) | {"D_0": 1e10, "N_0": 1e9, "C_T": LAW.C_T * factor}))
    inputs = {"num_params": SIZE, "num_tokens": TOKENS} | dict.fromkeys(BITS, 5.0)
    np.testing.assert_allclose(other.loss(**inputs), LAW.loss(**inputs), rtol=1e-12)


VOCABULARY: Any = presets.load("tao2024")


def test_the_formula_of_vocabulary_anew():
    """In the units of the published coefficients: millions of parameters, billions of tokens."""
    for vocabulary in (2e7, 5e8):
        expected = (
            -5.533
            + 1.831 / (SIZE / 1e6) ** 0.447
            + 0.196 / (vocabulary / 1e6) ** 0.671
            + 2.124 / (TOKENS / 1e9) ** 0.447
        )
        predicted = VOCABULARY.loss(
            num_nonvocab_params=SIZE, num_vocab_params=vocabulary, num_tokens=TOKENS
        )
        np.testing.assert_allclose(predicted, expected, rtol=1e-12)
    assert float(VOCABULARY.loss(**dict.fromkeys(VOCABULARY.input_names, np.inf))) == -5.533


def best_vocabulary(num_params, num_tokens):
    """The best N_v on the compute of a model with N_v negligible; FLOPs 6 (N_nv + N_v) D."""
    sizes = np.geomspace(1e6, 1e11, 20_001)
    return sizes[
        np.argmin(
            VOCABULARY.loss(
                num_nonvocab_params=num_params,
                num_vocab_params=sizes,
                num_tokens=num_tokens * num_params / (num_params + sizes),
            )
        )
    ]


def test_larger_models_want_larger_vocabularies_but_less_than_in_proportion():
    """N_v grows about as N_nv**.83 where tokens grow with parameters."""
    sizes = np.array([3e9, 7e9, 1.3e10, 3e10, 7e10])
    best = np.array([best_vocabulary(size, 23 * size) for size in sizes])
    growth = np.polyfit(np.log(sizes), np.log(best), 1)[0]
    assert growth == pytest.approx(0.83, abs=0.04)


def test_the_vocabulary_published_for_70_billion_parameters():
    """At least 216K tokens of width 8192, at about 20 tokens a parameter, to the rounding of both.

    With characters in place of tokens, four times as many, it is off by 40%.
    """
    assert best_vocabulary(7e10, 20 * 7e10) / 8192 == pytest.approx(216e3, rel=0.1)
    assert best_vocabulary(7e10, 80 * 7e10) / 8192 > 1.35 * 216e3
