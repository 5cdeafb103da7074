"""The summary of a fit against numbers that are computed here."""

import dataclasses
import math

import narwhals
import numpy as np
import pytest

from fitting import (
    ComparedLaw,
    FitResult,
    HoldOut,
    LogSquares,
    OptimalScaling,
    PowerLine,
    Profile,
    RollOut,
    Runs,
    fit,
    isoflop_profiles,
)
from fitting.minimiser.status import Status
from fitting.reporting.fit_summary import NOT_DETERMINED, undetermined, verdict
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


def test_results_that_hold_arrays_show_their_numbers(fitted):
    errors = {"law": np.array([-3.0, 1.0, 0.5]), "constant loss": np.array([9.0, 30.0, 21.0])}
    unseen = RUNS.where(np.arange(9) < 3)
    held = HoldOut(name="the large ones", fit=fitted, unseen=unseen, errors=errors)
    distances = (np.array([0.2, 0.4, 0.9]),)
    rolled = RollOut(by="flops", hold_outs=(held,), frontiers=np.ones(1), decades=distances)
    draws = np.stack([np.full(9, 3e9), np.linspace(0.4, 0.6, 9)])
    line = PowerLine(centre=1e20, amplitude=3e9, exponent=0.5, draws=draws)
    lines = {"num_params": line}
    scaling = OptimalScaling(approach="hand", flops=np.ones(3), points={}, lines=lines)
    likelihood = Profile(name="E", value=1.7, values=np.ones(99), deviances=np.ones(99), level=0.9,
                         interval=(1.5, 1.9))  # fmt: skip
    compared = ComparedLaw(name="Kaplan", fit=fitted, num_free=5, aicc=-9.0, bic=-8.0,
                           errors=errors["law"], difference=(0.0, 0.0, 0.0))  # fmt: skip
    expected = {
        held: ["constant loss 20.00 21.00 30.00", "law 1.50 1.00 3.00"],
        rolled: ["1 to 3.16 2 2.00 2.00 3.00", "3.16 to 10 1 0.50 0.50 0.50"],
        line: ["value 0.500 0.410 0.590 3B"],
        scaling: ["parameters 0.500 0.410 0.590 3B"],
        likelihood: ["E 1.7 1.5 1.9"],
        compared: ["AICc -9.0", "mean (%) 1.50"],
        fitted.identifiability: ["direction (largest parts) standard error (e-folds)"],
        isoflop_profiles(RUNS)[0]: ["No minimum: "],
    }
    for shown, rows in expected.items():
        lines = [" ".join(each.split()) for each in repr(shown).splitlines()]
        assert max(map(len, repr(shown).splitlines())) <= 80
        assert len(lines) <= 20
        assert all(any(each.startswith(row) for each in lines) for row in rows), repr(shown)
        assert shown._repr_html_().startswith("<p>")


def test_a_fit_is_a_frame_of_its_coefficients(drawn):
    rows = narwhals.from_native(drawn.to_frame()).rows(named=True)
    low, high = drawn.interval()
    ends = {"low": low.alpha_N, "high": high.alpha_N}
    assert rows[2] == {"coefficient": "alpha_N", "value": drawn.law.alpha_N, **ends}


def test_repr_is_short(fitted):
    lines = repr(fitted).splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith(f"Fit of Kaplan to 9 runs: {fitted.status.name}")
    assert ">alpha_N</td>" in fitted._repr_html_()


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
    for kind, mark in (("text", "---"), ("markdown", "| :---"), ("html", "<table ")):
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
    assert sum(x.startswith("D_c  ") for x in text.splitlines()) == 1  # no correlation


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


def test_the_verdict_is_not_that_all_is_determined_where_something_is_not(fitted, drawn):
    sure = dataclasses.replace(
        fitted, status=Status.CONVERGED, ensemble=None, ensemble_status=None,
        identifiability=_with_eigenvalues(fitted, [1e2, 1e2, 1e2, 1e2]),
    )  # fmt: skip
    assert verdict(sure) == "The fit converged, and the runs determine every coefficient."
    open_one = verdict(dataclasses.replace(drawn, status=Status.CONVERGED))
    assert open_one == (
        "The fit converged, but the runs do not determine every coefficient. Trust predictions "
        "near the runs; do not rely on single coefficients or on how a plan splits compute between "
        "parameters and tokens. Add runs."
    )
    failed = np.repeat([Status.CONVERGED, Status.NOT_CONVERGED], [28, 4])
    narrow = dataclasses.replace(drawn.ensemble, D_c=np.linspace(1e13, 2e13, 32))
    many = dataclasses.replace(
        drawn, status=Status.CONVERGED, ensemble=narrow, ensemble_status=failed
    )
    assert "do not determine every coefficient" in verdict(many)
    assert "4 of 32 draws failed" in verdict(many)
    few = dataclasses.replace(many, ensemble_status=np.where(np.arange(32) == 31, failed, 0))
    assert verdict(few) == verdict(sure)
    bad = dataclasses.replace(drawn, status=Status.NOT_CONVERGED)
    assert verdict(bad) == "The fit did not converge: do not rely on it."
