"""The Mapping Problem by its rules, the U-shape's test by enumeration, and the tiny experiment."""

import itertools

import jax
import numpy as np
import pytest
from click.testing import CliRunner

from experiments.capacity_gap.mapping_problem.__main__ import SCALES, main, read_table
from experiments.capacity_gap.mapping_problem.problem import (
    SHARE_OF_EASY,
    draw,
    share_kept_by_rejection,
)
from experiments.capacity_gap.mapping_problem.training import Setting, num_params
from experiments.capacity_gap.mapping_problem.verdict import sign_flips, u_shape


@pytest.mark.parametrize("share", [SHARE_OF_EASY, share_kept_by_rejection()])
def test_labels_follow_the_rule(share):
    drawn = draw(jax.random.key(0), 20_000, share_of_easy=share)
    inputs, labels = (np.asarray(each) for each in drawn)
    contexts, places = inputs[:, :8], inputs[:, 8:]
    assert (places.sum(1) == 1).all()
    assert set(np.unique(contexts)) == {0, 1, 2}
    asked = places.argmax(1)
    symbol = contexts[np.arange(len(asked)), asked]
    easy = symbol == 0
    np.testing.assert_array_equal(labels[easy], asked[easy])
    same = (contexts == symbol[:, None]) & (places == 0)
    assert (same[~easy].sum(1) == 1).all()
    np.testing.assert_array_equal(labels[~easy], same[~easy].argmax(1))
    # 20,000 draws: a standard deviation of .003
    assert easy.mean() == pytest.approx(share, abs=0.012)
    assert np.bincount(labels, minlength=8) / len(labels) == pytest.approx(1 / 8, abs=0.01)


def test_the_share_of_easy_examples_by_enumeration():
    """All 3**8 contexts, at one position: what rejection keeps."""
    contexts = np.array(list(itertools.product(range(3), repeat=8)))
    easy = contexts[:, 0] == 0
    hard = ~easy & ((contexts == contexts[:, :1]).sum(1) == 2)
    assert share_kept_by_rejection() == pytest.approx(easy.sum() / (easy | hard).sum(), rel=1e-14)


def test_one_hot_symbols_say_the_same():
    inputs, labels = draw(jax.random.key(1), 100)
    coded, same = draw(jax.random.key(1), 100, one_hot=True)
    symbols = np.asarray(coded)[:, :24].reshape(100, 8, 3).argmax(-1)
    np.testing.assert_array_equal(symbols, inputs[:, :8])
    np.testing.assert_array_equal(labels, same)


def test_lengths_are_those_of_the_protocol():
    setting = Setting(trials=4)
    assert num_params(256, setting) == 17 * 256 + 257 * 256 + 257 * 8
    assert setting.steps(16) == 500
    assert setting.steps(512) >= 20 * num_params(512, setting) / 512


def test_signs_are_flipped_exactly():
    assert sign_flips(np.ones(5)) == 1 / 32
    assert sign_flips(-np.ones(5)) == 1
    assert sign_flips(np.array([3.0, -1.0])) == 0.5


def test_a_u_is_distinguished_from_a_slope_and_from_noise():
    random = np.random.default_rng(0)
    noise = random.normal(0, 0.01, (6, 7))
    curve = np.abs(np.arange(7) - 3.0)[None, :]
    found = u_shape(curve + noise)
    assert found.is_u
    assert found.turn == 3
    assert (found.fall, found.rise) == pytest.approx((3, 3), abs=0.05)
    assert not u_shape(-np.arange(7.0)[None, :] + noise).is_u
    false = sum(u_shape(random.normal(size=(6, 7))).is_u for _ in range(200))
    assert false < 20  # 5% were each flank alone, less for both
    with pytest.raises(ValueError, match=r"got shape \(1, 7\)"):
        u_shape(curve)


@pytest.mark.slow
def test_the_tiny_experiment_runs_and_tells(tmp_path):
    result = CliRunner().invoke(
        main, ["--scale", "tiny", "-o", str(tmp_path)], catch_exceptions=False
    )
    students, widths, lengths, setting = SCALES["tiny"]
    networks = (len(widths) + len(lengths)) * (1 + len(students)) * setting.trials
    assert f"{networks} networks" in result.output
    assert result.output.count("U shape") == 2
    table = read_table(tmp_path / "mapping_problem_tiny.csv")
    assert len(table) == networks
    assert {row[2] for row in table} == {"", *students}
    assert len(list(tmp_path.glob("*.svg"))) == 2
