"""Calibration by the definitions, bin by bin in NumPy, and where the answer is known."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws.distilling.calibration import calibration_distance, calibration_error, confidence

RANDOM = np.random.default_rng(0)
SURE = RANDOM.uniform(0.05, 1.0, 5000).astype(np.float32)


def by_bins(confidences, others, num_bins):
    """Eqs. 38 and 39 as they are written: one bin after another."""
    total, n = 0.0, len(confidences)
    for m in range(1, num_bins + 1):
        inside = (confidences > (m - 1) / num_bins) & (confidences <= m / num_bins)
        if inside.any():
            gap = others[inside].mean(dtype=np.float64) - confidences[inside].mean(dtype=np.float64)
            total += inside.sum() / n * abs(gap)
    return total


@pytest.mark.parametrize("num_bins", [1, 10, 21])
def test_both_measures_by_their_definitions(num_bins):
    correct = RANDOM.uniform(size=SURE.size) < SURE**2
    teacher = np.clip(SURE + RANDOM.normal(0.1, 0.2, SURE.size), 0, 1).astype(np.float32)
    error = calibration_error(SURE, correct, num_bins=num_bins)
    distance = calibration_distance(SURE, teacher, num_bins=num_bins)
    np.testing.assert_allclose(error, by_bins(SURE, correct, num_bins), rtol=1e-5)
    np.testing.assert_allclose(distance, by_bins(SURE, teacher, num_bins), rtol=1e-5)


def test_what_is_calibrated_has_almost_no_error():
    correct = RANDOM.uniform(size=SURE.size) < SURE
    assert calibration_error(SURE, correct) < 0.03  # 5,000 draws: about .4 / sqrt(n / bins)
    assert calibration_error(SURE, np.zeros(SURE.size, bool)) == pytest.approx(SURE.mean())
    assert calibration_distance(SURE, SURE) == 0


def test_edges_of_bins_belong_to_the_bin_below():
    at_the_edges = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    others = np.array([1.0, 0.0, 0.0, 0.0, 0.0])
    # bin 1 holds 0 and .25: its means .125 and .5; the others hold one token each
    expected = (2 * abs(0.5 - 0.125) + 0.5 + 0.75 + 1.0) / 5
    assert calibration_distance(at_the_edges, others, num_bins=4) == pytest.approx(expected)


def test_confidence_is_the_highest_probability():
    logits = RANDOM.normal(0, 2, (4, 6, 30))
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    sure, symbol = confidence(jnp.float32(logits))
    np.testing.assert_allclose(sure, probabilities.max(-1), rtol=1e-5)
    np.testing.assert_array_equal(symbol, probabilities.argmax(-1))
    low, _ = confidence(jnp.bfloat16(logits))
    assert low.dtype == jnp.float32


def test_the_two_need_one_number_a_token():
    with pytest.raises(ValueError, match="got 5000 and 4999"):
        calibration_distance(SURE, SURE[1:])
