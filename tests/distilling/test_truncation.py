"""Truncation by brute force in NumPy, one token at a time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws.distilling.losses import distilling_loss
from jaxlaws.distilling.truncation import keep_top_k, keep_top_p

TOKENS, VOCABULARY = 32, 50


def draw(seed=0, scale=2.0):
    return np.random.default_rng(seed).normal(0, scale, (TOKENS, VOCABULARY)).astype(np.float32)


def renormalised(logits, kept):
    """The teacher's probabilities over some symbols, in float64."""
    p = np.where(kept, np.exp(logits.astype(np.float64)), 0.0)
    return p / p.sum()


@pytest.mark.parametrize("k", [1, 5, VOCABULARY])
def test_top_k_renormalises_over_the_likeliest(k):
    for logits, cut in zip(draw(), keep_top_k(draw(), k), strict=True):
        kept = np.isin(np.arange(VOCABULARY), np.argsort(-logits)[:k])
        np.testing.assert_allclose(jax.nn.softmax(cut), renormalised(logits, kept), atol=1e-6)


@pytest.mark.parametrize("p", [1e-6, 0.3, 0.9, 0.999, 1.0])
def test_top_p_keeps_the_fewest_symbols_that_cover_p(p):
    for logits, cut in zip(draw(), keep_top_p(draw(), p), strict=True):
        probabilities = renormalised(logits, np.ones(VOCABULARY, bool))
        order = np.argsort(-probabilities)
        fewest = 1
        while probabilities[order[:fewest]].sum() < p - 1e-6 and fewest < VOCABULARY:
            fewest += 1
        kept = np.isin(np.arange(VOCABULARY), order[:fewest])
        if p < 1:  # float32 cannot tell what the last symbols add to 1
            np.testing.assert_array_equal(np.isfinite(cut), kept)
        np.testing.assert_allclose(jax.nn.softmax(cut), renormalised(logits, kept), atol=1e-6)


def test_of_equal_symbols_the_first_are_kept():
    even = jnp.zeros(8)
    np.testing.assert_array_equal(np.isfinite(keep_top_k(even, 3)), np.arange(8) < 3)
    np.testing.assert_array_equal(np.isfinite(keep_top_p(even, 0.5)), np.arange(8) < 4)


def test_loss_against_a_cut_teacher_is_finite_with_the_right_gradient():
    student, teacher = draw(1), keep_top_k(draw(), 4)
    loss, gradient = jax.value_and_grad(lambda z: distilling_loss(z, teacher).sum())(student)
    assert np.isfinite(loss)
    expected = jax.nn.softmax(student) - jax.nn.softmax(teacher)
    np.testing.assert_allclose(gradient, expected, atol=1e-6)
    reverse = distilling_loss(student, teacher, direction="reverse")
    assert np.isposinf(reverse).all()  # the student gives dropped symbols some probability


def test_low_precision_and_transformations():
    low = jnp.bfloat16(draw())
    for cut in (keep_top_k(low, 7), keep_top_p(low, 0.8)):
        assert cut.dtype == jnp.bfloat16
    assert (np.isfinite(keep_top_k(low, 7)).sum(-1) == 7).all()
    wide = np.isfinite(keep_top_p(low.astype(jnp.float32), 0.8))
    np.testing.assert_array_equal(np.isfinite(keep_top_p(low, 0.8)), wide)
    traced = jax.jit(jax.vmap(keep_top_p))(draw(), jnp.full(TOKENS, 0.8))
    np.testing.assert_array_equal(traced, keep_top_p(draw(), 0.8))


@pytest.mark.parametrize("k", [0, VOCABULARY + 1])
def test_k_must_lie_within_the_vocabulary(k):
    with pytest.raises(ValueError, match=f"1 to the size of the vocabulary, {VOCABULARY}, got {k}"):
        keep_top_k(draw(), k)
