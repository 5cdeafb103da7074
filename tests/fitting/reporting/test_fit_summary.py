"""The summary of a fit against numbers that are computed here."""

import dataclasses
import math

import numpy as np
import pytest

from fitting import FitResult, LogSquares, Runs, fit
from fitting.reporting.fit_summary import NOT_DETERMINED, undetermined
from jaxlaws.laws.kaplan import Kaplan
from jaxlaws.precision import float64

SIZES, TOKENS = np.geomspace(1e7, 1e9, 9), np.tile([1e9, 4e9, 2e10], 3)
LOSS = 2 + 90 / SIZES**0.3 + 0.03 * np.sin(np.arange(9.0))
RUNS = Runs.read({"num_params": SIZES, "num_tokens": TOKENS, "loss": LOSS, "name": [*"abcdefghi"]})


@pytest.fixture(scope="module")
def fitted():
    return fit(Kaplan, RUNS, num_starts=8, bootstrap=32, objective=LogSquares())


@pytest.fixture(scope="module")
def drawn(fitted):
    """The fit with draws whose interval, error and correlation are known."""
    normal = np.random.default_rng(0).multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 32).T
    law = dataclasses.replace(fitted.law, N_c=1.5e10, D_c=1e13, alpha_N=0.3, alpha_D=0.5)
    ensemble = dataclasses.replace(
        law,
        N_c=np.linspace(1e10, 2e10, 32),
        D_c=np.geomspace(1e13, 1e42, 32),
        alpha_N=0.3 + 0.01 * normal[0],
        alpha_D=0.5 + 0.02 * normal[1],
    )
    return dataclasses.replace(
        fitted,
        law=law,
        ensemble=ensemble,
        ensemble_status=np.zeros(32, int),
        identifiability=_with_eigenvalues(fitted, [1e2, 1e2, 1e2, 1e2]),
    )


def _with_eigenvalues(result, eigenvalues):
    names = ("N_c", "D_c", "alpha_N", "alpha_D")
    return dataclasses.replace(
        result.identifiability,
        names=names,
        eigenvalues=np.array(eigenvalues),
        directions=np.eye(4),
        notes=(),
    )


def test_repr_is_short(fitted):
    lines = repr(fitted).splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith(f"Fit of Kaplan to 9 runs: {fitted.status.name}")
    assert "<td>alpha_N</td>" in fitted._repr_html_()


def test_coefficients_have_interval_and_standard_error(drawn):
    row = next(x for x in drawn.summary().splitlines() if x.startswith("alpha_N"))
    draws = drawn.ensemble.alpha_N
    ends = np.exp(np.quantile(np.log(draws), [0.05, 0.95]))
    numbers = [f"{x:.5g}" for x in (float(drawn.law.alpha_N), *ends)]
    assert row.split() == ["alpha_N", *numbers, f"{np.std(draws):.3g}"]


def test_criteria_are_those_of_normal_residuals(fitted):
    with float64():
        predicted = np.asarray(fitted.law.loss(num_params=SIZES, num_tokens=TOKENS))
    residuals = np.log(LOSS / predicted)
    variance, num_free = np.mean(residuals**2), len(fitted.identifiability.names) + 1
    deviance = 9 * (math.log(2 * math.pi * variance) + 1)
    assert f"AIC {deviance + 2 * num_free:.2f}," in " ".join(fitted.summary().split())
    assert f"BIC {deviance + num_free * math.log(9):.2f}" in " ".join(fitted.summary().split())


def test_correlations_are_those_of_the_draws(drawn):
    found = np.corrcoef(drawn.ensemble.alpha_N, drawn.ensemble.alpha_D)[0, 1]
    rows = [x for x in drawn.summary().splitlines() if x.startswith("alpha_D")]
    assert rows[-1].split()[-1] == f"{found:+.2f}"


def test_every_format_has_the_same_numbers(fitted):
    value = f"{float(fitted.law.alpha_N):.5g}"
    for kind, mark in (("text", "---"), ("markdown", "| :---"), ("html", "<table>")):
        text = fitted.summary(kind)
        assert mark in text
        assert value in text
    assert r"\toprule" in fitted.summary("latex")
    with pytest.raises(ValueError, match="format"):
        fitted.summary("pdf")


def test_what_is_not_determined_has_words(drawn):
    assert undetermined(drawn) == ("D_c",)
    text = drawn.summary()
    assert NOT_DETERMINED in next(x for x in text.splitlines() if x.startswith("D_c"))
    assert "e+4" not in text  # no end of the interval, 1e42, and no standard error
    assert sum(x.startswith("D_c") for x in text.splitlines()) == 1  # no correlation


def test_without_draws_flat_directions_count(fitted):
    flat = _with_eigenvalues(fitted, [1e-6, 1, 10, 100])
    bare = dataclasses.replace(fitted, ensemble=None, ensemble_status=None, identifiability=flat)
    assert undetermined(bare) == ("N_c",)
    assert "No intervals" in bare.summary()


def test_a_loaded_fit_has_the_same_summary(fitted, tmp_path):
    fitted.save(tmp_path / "fit.json")
    assert FitResult.load(tmp_path / "fit.json").summary() == fitted.summary()


def test_runs_show_their_columns():
    lines = repr(RUNS).splitlines()
    assert lines[0].startswith("Runs: 9 runs of ")
    assert ["parameters", "9", "10M", "1B"] in [line.split() for line in lines]
    assert lines[-1] == "Other columns: name."
    assert RUNS.to_dict()["loss"] == LOSS.tolist()
    assert RUNS.to_dict()["name"] == [*"abcdefghi"]


def test_a_fit_whose_draws_all_failed_is_shown(drawn):
    failed = dataclasses.replace(drawn, ensemble_status=np.full(32, 4))
    assert "None of the 32 bootstrap draws converged" in " ".join(failed.summary().split())
    assert repr(failed).startswith("Fit of Kaplan")
