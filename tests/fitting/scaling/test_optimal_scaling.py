"""Hoffmann's three approaches, compared with closed forms and with NumPy's polynomials."""

import dataclasses

import numpy as np
import pytest
from by_hand import chinchilla

from fitting import Runs, TableNote
from fitting.reporting.scaling_figures import approaches, isoflop_curves
from fitting.reporting.tables import scaling_table
from fitting.scaling.envelope import scaling_of_envelope
from fitting.scaling.isoflop import isoflop_profiles, scaling_of_profiles
from fitting.scaling.optimal_scaling import PowerLine, power_lines, scaling_of_fit
from jaxlaws import presets

LAW = presets.load("hoffmann2022")
COEFFICIENTS = {name: getattr(LAW, name) for name in ("E", "A", "alpha", "B", "beta")}
BUDGETS = np.geomspace(6e18, 3e21, 7)
HOFFMANN_BUDGETS = (6e18, 1e19, 3e19, 6e19, 1e20, 3e20, 6e20, 1e21, 3e21)
EXPONENT = LAW.beta / (LAW.alpha + LAW.beta)


def best_size(flops):
    """In closed form."""
    balance = LAW.alpha * LAW.A / (LAW.beta * LAW.B)
    return balance ** (1 / (LAW.alpha + LAW.beta)) * (flops / 6) ** EXPONENT


def isoflop_runs(sizes, noise=0.0):
    """Fifteen runs of each budget, exact but for noise."""
    flops = np.repeat(BUDGETS, len(sizes) // len(BUDGETS))
    tokens = flops / 6 / sizes
    loss = chinchilla(COEFFICIENTS, sizes, tokens)
    loss = loss * np.exp(noise * np.random.default_rng(0).normal(size=loss.shape))
    return Runs.read({"num_params": sizes, "num_tokens": tokens, "loss": loss})


def sizes_near_the_optimum(width, shift=1.0):
    return np.outer(best_size(BUDGETS) * shift, np.geomspace(1 / width, width, 15)).ravel()


@pytest.fixture(scope="module")
def centred():
    return isoflop_runs(sizes_near_the_optimum(8.0))


def minima(found, name="num_params"):
    return np.array([each.minimum[name] for each in found])


@pytest.mark.parametrize("degree", [2, 3])
def test_minima_are_those_of_numpys_polynomials(centred, degree):
    for found, flops in zip(isoflop_profiles(centred, degree=degree), BUDGETS, strict=True):
        assert found.flops == pytest.approx(flops, rel=1e-12)
        x = np.log(found.runs.inputs["num_params"])
        fitted = np.polynomial.Polynomial.fit(x, found.runs.loss, degree)
        lowest = min(np.linspace(x.min(), x.max(), 20_001), key=fitted)
        assert np.log(found.minimum["num_params"]) == pytest.approx(lowest, abs=3e-4)
        assert found.minimum["loss"] == pytest.approx(fitted(lowest), abs=1e-8)
        assert 6 * found.minimum["num_params"] * found.minimum["num_tokens"] == pytest.approx(flops)
        np.testing.assert_allclose(found.loss_at(np.exp(x)), fitted(x), rtol=1e-10)


def test_the_bias_of_parabolas_is_one_factor_if_runs_have_the_same_positions(centred):
    """Without any noise: the sizes of all budgets are 3% too large, the exponent is right."""
    parabolas, cubics = (isoflop_profiles(centred, degree=degree) for degree in (2, 3))
    off = minima(parabolas) / best_size(BUDGETS) - 1
    np.testing.assert_allclose(off, off[0], atol=1e-9)
    assert 0.029 < off[0] < 0.031
    assert np.abs(minima(cubics) / best_size(BUDGETS) - 1).max() < 1e-3
    for found in (parabolas, cubics):
        exponent = scaling_of_profiles(found).lines["num_params"].exponent
        assert exponent == pytest.approx(EXPONENT, abs=1e-9)


def test_parabolas_have_a_wrong_exponent_if_runs_have_different_positions():
    """The same sizes for all: small budgets see the right of their profile, large ones the left."""
    same = isoflop_runs(np.tile(np.geomspace(3e7, 1e10, 15), len(BUDGETS)))
    line = scaling_of_profiles(isoflop_profiles(same)).lines["num_params"]
    assert line.exponent < EXPONENT - 0.02
    assert line.at(5.76e23) < 0.86 * best_size(5.76e23)


def test_profiles_along_tokens_and_along_size_agree(centred):
    by_size, by_tokens = (
        isoflop_profiles(centred, along=f"num_{name}") for name in ("params", "tokens")
    )
    np.testing.assert_allclose(minima(by_tokens), minima(by_size), rtol=1e-9)
    np.testing.assert_allclose(minima(by_tokens, "loss"), minima(by_size, "loss"), rtol=1e-12)


def test_profiles_without_a_minimum_give_the_reason_and_are_left_out():
    sizes = sizes_near_the_optimum(2.0).reshape(len(BUDGETS), 15)
    sizes[0] *= 3  # all to the right of the minimum
    sizes[1] = np.tile([1e8, 2e8, 4e8], 5)
    runs = isoflop_runs(sizes.ravel(), noise=1e-9)  # no run twice
    outside, few, *good = isoflop_profiles(runs, bootstrap=20)
    assert "lies outside its runs, 271M to 1.09B" in outside.why_not
    assert "3 values of num_params" in few.why_not
    assert np.isnan([outside.minimum["num_params"], few.minimum["loss"]]).all()
    scaling = scaling_of_profiles([outside, few, *good])
    np.testing.assert_allclose(scaling.flops, BUDGETS[2:])
    with pytest.raises(ValueError, match=r"1 of 3 .* a minimum; two are needed. 6e18: its min"):
        scaling_of_profiles([outside, few, good[0]])
    hill = dataclasses.replace(good[0].runs, loss=6.0 - good[0].runs.loss)
    assert isoflop_profiles(hill)[0].why_not == "the polynomial has no minimum"


def test_budgets_come_from_the_runs_or_from_the_user(centred):
    assert len(isoflop_profiles(centred)) == len(BUDGETS)
    assert {each.num_left_out for each in isoflop_profiles(centred)} == {0}
    (found,) = isoflop_profiles(centred, budgets=[BUDGETS[3] * 1.2], tolerance=0.1)
    assert found.num_left_out == 15 * 6
    assert len(found.runs) == 15
    with pytest.raises(ValueError, match=r"no run is within 0.1 decades of 1e\+25 FLOPs"):
        isoflop_profiles(centred, budgets=[BUDGETS[0], 1e25])
    with pytest.raises(ValueError, match="expected budgets"):
        isoflop_profiles(centred, budgets=[-1.0])
    with pytest.raises(ValueError, match="degree 2 or 3"):
        isoflop_profiles(centred, degree=4)


def test_intervals_contain_the_truth_as_often_as_their_level():
    """90% intervals of the exponent, 200 tables with half a per cent of noise."""
    hits = 0
    sizes = sizes_near_the_optimum(8.0)
    exact = isoflop_runs(sizes)
    rng = np.random.default_rng(5)
    for seed in range(200):
        noisy = exact.loss * np.exp(5e-3 * rng.normal(size=exact.loss.shape))
        runs = Runs.read({**exact.inputs, "loss": noisy})
        line = scaling_of_profiles(isoflop_profiles(runs, bootstrap=200, seed=seed)).lines[
            "num_params"
        ]
        low, high = line.exponent_interval(0.9)
        hits += low < EXPONENT < high
    assert 0.82 < hits / 200 < 0.95  # 90%, less the known shortfall of a bootstrap of 15 points


def test_the_envelope_goes_through_the_best_size():
    """Curves of many sizes, without noise: the envelope is within half a step of sizes."""
    step = 1.15
    sizes, flops = np.meshgrid(3e7 * step ** np.arange(45), np.geomspace(1e18, 1e22, 41))
    tokens = flops / 6 / sizes
    loss = chinchilla(COEFFICIENTS, sizes, tokens)
    table = {"num_params": sizes, "num_tokens": tokens, "loss": loss}
    runs = Runs.read({name: values.ravel() for name, values in table.items()})
    found = scaling_of_envelope(runs, bootstrap=50)
    off = np.log(found.points["num_params"] / best_size(found.flops))
    assert np.abs(off).max() < 0.51 * np.log(step)
    line = found.lines["num_params"]
    assert line.exponent == pytest.approx(EXPONENT, abs=2e-3)
    low, high = line.exponent_interval()
    assert low < line.exponent < high
    np.testing.assert_allclose(
        6 * found.points["num_params"] * found.points["num_tokens"], found.flops, rtol=1e-9
    )


def test_draws_with_missing_points_use_the_other_points():
    flops = np.array([1e20, 1e21, 1e22])
    points = dict.fromkeys(("num_params", "num_tokens", "loss"), flops**0.5)
    drawn = np.array([[1e10, np.nan, 1e11], [np.nan, np.nan, 1e11]])
    line = power_lines("", flops, points, dict.fromkeys(points, drawn)).lines["num_params"]
    np.testing.assert_allclose(line.draws, [[10**10.5], [0.5]])
    with pytest.raises(ValueError, match="two budgets, got 1"):
        power_lines("by hand", flops[:1], points)


def test_the_three_approaches_on_hoffmanns_points(hoffmann_fit):
    """Published, of more and other points: .50, .49 and, refitted by Besiroglu et al., .513."""
    runs, result = hoffmann_fit
    found = isoflop_profiles(runs, budgets=HOFFMANN_BUDGETS, bootstrap=200)
    by_profiles = scaling_of_profiles(found)
    by_envelope = scaling_of_envelope(runs, bootstrap=100)
    by_law = scaling_of_fit(result, flops=HOFFMANN_BUDGETS, most_draws=100)
    assert [len(each.runs) for each in found] == [16, 27, 28, 21, 23, 18, 15, 18, 11]
    exact = float(result.law.beta / (result.law.alpha + result.law.beta))
    assert by_law.lines["num_params"].exponent == pytest.approx(exact, abs=1e-6)
    for scaling in (by_profiles, by_envelope, by_law):
        low, high = scaling.lines["num_params"].exponent_interval()
        assert low < 0.513 < high
    assert 0.488 < by_profiles.lines["num_params"].exponent < 0.534  # their 80% interval of .49
    table = scaling_table([by_envelope, by_profiles, by_law], flops=5.76e23)
    assert table.count("\n") == 4
    assert "N at 5.76e23" in table
    for figure in (
        isoflop_curves(found, title="profiles"),
        approaches([by_envelope, by_profiles, by_law], flops=np.geomspace(1e19, 1e24, 9)),
    ):
        assert figure.axes[0].get_legend() is not None


def test_a_line_without_draws_has_no_interval():
    line = PowerLine(centre=1e20, amplitude=1e9, exponent=0.5, draws=np.empty((2, 0)))
    assert line.at(1e22) == pytest.approx(1e10)
    assert np.isnan(line.exponent_interval()).all()


def test_a_column_of_budgets_groups_runs_whose_compute_differs():
    """Compute with embeddings is not 6 N D: within a budget it drifts with the size."""
    budget, ratio = np.repeat([1e19, 1e20, 1e21], 7), np.tile(np.geomspace(1 / 8, 8, 7), 3)
    sizes = (budget / 120) ** 0.5 * ratio
    loss = 2 + (budget / 1e20) ** -0.1 * (1 + np.log(ratio) ** 2 / 10)
    tokens = budget / 6 / sizes * ratio**0.1
    columns = {"num_params": sizes, "num_tokens": tokens, "loss": loss}
    assert len(isoflop_profiles(Runs.read(columns))) > 3
    with pytest.warns(TableNote, match="flops is the column 'budget'"):
        profiles = isoflop_profiles(Runs.read(columns | {"budget": budget}))
    minima = [each.minimum["num_params"] for each in profiles]
    np.testing.assert_allclose(minima, (np.array([1e19, 1e20, 1e21]) / 120) ** 0.5, rtol=1e-6)
