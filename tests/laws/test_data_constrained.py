"""The law of repeated data: its published numbers, its formula anew, and the runs behind it."""

import csv
from typing import Any

import numpy as np
import pytest

from fitting import Runs, fit
from jaxlaws import presets
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.laws.further_inputs.data_constrained import DataConstrained

pytestmark = pytest.mark.usefixtures("x64")

LAW: Any = presets.load("muennighoff2023")


def formula(num_params, num_tokens, unique, *, R_D=15.387756, R_N=5.309743):
    A, B, E, alpha = np.exp(6.255414), np.exp(7.3049974), np.exp(0.6254804), 0.3526596
    optimal = np.minimum(num_params, (A / B) ** (1 / alpha) * unique)
    params = optimal * (1 - R_N * np.expm1(-(num_params / optimal - 1) / R_N))
    tokens = unique * (1 - R_D * np.expm1(-(num_tokens / unique - 1) / R_D))
    return E + A / params**alpha + B / tokens**alpha


def predict(num_params, num_tokens, unique, law=LAW):
    return np.asarray(
        law.loss(num_params=num_params, num_tokens=num_tokens, num_unique_tokens=unique)
    )


def test_the_formula_anew():
    sizes, tokens = np.geomspace(1e7, 1e11, 9)[:, None], np.geomspace(1e8, 1e13, 11)[None, :]
    for epochs in (1.0, 4.0, 300.0):
        expected = formula(sizes, tokens, tokens / epochs)
        np.testing.assert_allclose(predict(sizes, tokens, tokens / epochs), expected, rtol=1e-12)


def test_the_compute_optimal_size_for_distinct_tokens():
    assert (LAW.A / LAW.B) ** (1 / LAW.alpha) == pytest.approx(0.0509865, abs=5.1e-8)


@pytest.mark.parametrize(
    ("epochs", "efficiency"), [(2, 0.984), (4, 0.931), (8, 0.828), (16, 0.661), (40, 0.379)]
)
def test_what_a_repeated_token_is_worth(epochs, efficiency):
    """From the loss of a model small enough to be worth its size."""
    unique = 1e11
    of_tokens = predict(1e6, epochs * unique, unique) - predict(1e6, np.inf, np.inf)
    worth = (LAW.B / of_tokens) ** (1 / LAW.beta)
    assert worth / (epochs * unique) == pytest.approx(efficiency, abs=5.1e-4)


def test_without_repetition_it_is_chinchillas():
    plain: Any = Chinchilla(E=LAW.E, A=LAW.A, alpha=LAW.alpha, B=LAW.B, beta=LAW.beta)
    size, tokens = 1e9, 1e9 / 0.05  # just below the optimal size
    expected = plain.loss(num_params=size, num_tokens=tokens)
    for unique in (tokens, 3 * tokens, np.inf):  # there are no more distinct tokens than tokens
        assert predict(size, tokens, unique) == pytest.approx(float(expected), rel=1e-14)


def test_endless_repetition_is_worth_its_limit():
    most = predict(1e6, np.inf, 1e10)
    assert most == pytest.approx(float(predict(1e6, 1e10 * (1 + LAW.R_D), np.inf)), rel=1e-13)
    assert predict(1e6, 1e16, 1e10) == pytest.approx(float(most), rel=1e-13)


def test_distinct_tokens_never_hurt():
    for size in (1e7, 1e9, 1e11):
        losses = predict(size, 1e11, np.geomspace(1e7, 1e12, 100))
        assert np.all(np.diff(losses) <= 1e-15)


@pytest.fixture(scope="module")
def published(real_runs):
    """Size, tokens, distinct tokens and loss of the 182 runs of the published fit."""
    with (real_runs / "muennighoff_c4_runs.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["in_published_fit"] == "True"]
    names = ("num_params", "num_tokens", "num_unique_tokens", "loss")
    return [np.array([float(row[name]) for row in rows]) for name in names]


def objective(published, law):
    num_params, num_tokens, unique, loss = published
    size = np.abs(np.log(predict(num_params, num_tokens, unique, law)) - np.log(loss))
    inside = np.minimum(size, 1e-3)
    return np.sum(inside * (size - inside / 2))


def test_the_objective_on_the_runs_of_the_published_fit(published):
    assert len(published[0]) == 182
    assert objective(published, LAW) == pytest.approx(0.0158259366, rel=1e-6)


@pytest.mark.slow
def test_a_fit_of_the_decay_constants_goes_lower(published):
    """The valley is long: the lowest known point of it is (95.4, 1.71)."""
    names = (*DataConstrained.input_names, "loss")
    base = {name: getattr(LAW, name) for name in ("E", "A", "alpha", "B", "beta")}
    runs = Runs.read(dict(zip(names, published, strict=True)), law_type=DataConstrained)
    result = fit(DataConstrained, runs, freeze=base, num_starts=64)
    assert result.num_runs == 182
    assert 0.0158 < result.objective <= 0.0158046625 * (1 + 1e-6)
    assert result.objective == pytest.approx(objective(published, result.law), rel=1e-9)
    assert 10 < result.law.R_D < 1000
    assert 1 < result.law.R_N < 10
