"""Reports of fits: tables and figures show the numbers of the fit."""

import dataclasses

import numpy as np
import pytest
from laws_of_tests import SizeLaw, TaughtLaw

from fitting import Normal, Picture, to_page
from fitting.problem.restraints import Restraints
from fitting.reporting.fit_sections import coefficient_table, fit_report
from fitting.reporting.markdown import latex_table
from fitting.reporting.uncertainty_figures import bootstrap_cloud, intervals, profile_likelihoods
from fitting.uncertainty.profile_likelihood import Profile


def cells(table):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_coefficients_as_a_table(simulated_fit):
    head, _, *rows = cells(coefficient_table(simulated_fit, level=0.8, digits=4))
    assert head == ["coefficient", "value", "low (80%)", "high"]
    low, high = simulated_fit.interval(0.8)
    assert [row[0] for row in rows] == ["E", "A", "alpha", "B", "beta"]
    for name, *numbers in rows:
        expected = [float(getattr(law, name)) for law in (simulated_fit.law, low, high)]
        assert [float(number) for number in numbers] == pytest.approx(expected, rel=1e-3)
    latex = coefficient_table(simulated_fit, table=latex_table)
    assert latex.startswith("\\begin{tabular}{lrrr}\n\\toprule\ncoefficient & value & low (90\\%)")
    assert latex.count(r" \\") == 6


def test_a_table_shows_the_restraint_of_each_coefficient(simulated_fit):
    restraints = Restraints(
        tie={"beta": "alpha"}, bounds={"A": (1.0, 1e6)}, priors={"A": Normal(400.0, 90.0)}
    )
    bare = {"ensemble": None, "ensemble_status": None}
    restrained = dataclasses.replace(simulated_fit, frozen=("E",), restraints=restraints, **bare)
    head, _, *rows = cells(coefficient_table(restrained))
    assert head == ["coefficient", "value", "restraint"]
    assert {name: words for name, _, words in rows} == {
        "E": "frozen",
        "A": "between 1 and 1e+06, prior Normal(mean=400.0, sd=90.0)",
        "alpha": "",
        "B": "",
        "beta": "equal to alpha",
    }
    # A sub-law is fitted first, with restraints of its own, or frozen as a whole.
    law = TaughtLaw(alone=SizeLaw(E=1.0, A=2.0, alpha=0.3), weight=0.4, shift=0.1)
    first = dataclasses.replace(
        restrained, law=law.alone, restraints=Restraints(tie={"alpha": "A"})
    )
    staged = dataclasses.replace(
        restrained, law=law, frozen=("alone",), stages={"alone": first}, restraints=Restraints()
    )
    assert staged.held() == {
        "alone.E": "fitted first, frozen",
        "alone.A": "fitted first",
        "alone.alpha": "fitted first, equal to A",
    }
    frozen = dataclasses.replace(staged, stages={})
    assert frozen.held() == dict.fromkeys(["alone.E", "alone.A", "alone.alpha"], "frozen")


def test_a_report_has_tables_and_pictures(simulated, simulated_fit):
    parts = fit_report(simulated_fit, runs=simulated)
    texts = [part for part in parts if isinstance(part, str)]
    assert texts[0] == "## Chinchilla"
    assert "210 runs" in texts[1]
    assert any("| size N of the model | parameters | 60M | 16B |" in text for text in texts)
    law = simulated_fit.law
    numbers = [f"{float(getattr(law, name)):.4g}" for name in ("E", "A", "alpha", "B", "beta")]
    equation = "loss = {} + {} / N^{} + {} / D^{}".format(*numbers)
    assert f"```\n{equation}\n```" in texts
    residuals = 100 * np.abs(
        np.asarray(law.loss(**{k: simulated.inputs[k] for k in simulated.inputs})) / simulated.loss
        - 1
    )
    trust = next(text for text in texts if text.startswith("The fit converged"))
    assert f"off by {residuals.mean():.2f}% on average" in trust
    assert f"{residuals.max():.2f}% at worst" in trust
    assert "No runs were held out, so the errors on new runs are not known." in texts
    assert "### IsoFLOP profiles" in texts
    pictures = [part for part in parts if isinstance(part, Picture)]
    assert [each.name for each in pictures] == [
        "Chinchilla-runs", "Chinchilla-residuals", "Chinchilla-intervals", "isoflop",
    ]  # fmt: skip
    page = to_page(parts, "a fit & its runs")
    assert "<title>a fit &amp; its runs</title>" in page
    assert page.count("<figcaption>Figure ") == 4
    assert page.count("<img alt=") == page.count("data:image/svg+xml;base64,") == 6
    assert page.count("<table>") == page.count('class="scroll"')


def test_intervals_are_quantiles_of_the_draws(simulated_fit):
    axes = intervals(simulated_fit).axes[0]
    wide = axes.lines[0].get_xdata()
    draws = simulated_fit.usable_ensemble().E / simulated_fit.law.E
    np.testing.assert_allclose(wide, np.quantile(draws, [0.05, 0.95]))
    assert axes.get_yticklabels()[0].get_text().startswith("E = 1.8")


def test_clouds_of_draws(simulated_fit):
    figure = bootstrap_cloud(simulated_fit, names=["A", "alpha"])
    points = figure.axes[0].collections[0].get_offsets()
    draws = simulated_fit.usable_ensemble()
    np.testing.assert_allclose(points, np.stack([draws.A, draws.alpha], axis=1))
    visible = [axes for axes in bootstrap_cloud(simulated_fit).axes if axes.get_visible()]
    assert len(visible) == 10
    with pytest.raises(ValueError, match=r"two or more of E, A, .*, got A"):
        bootstrap_cloud(simulated_fit, names=["A"])


def test_a_profile_is_drawn_slightly_beyond_its_interval():
    values = np.linspace(0.1, 0.6, 101)
    deviances = ((values - 0.35) / 0.02) ** 2
    profile = Profile(
        name="alpha", value=0.35, values=values, deviances=deviances, level=0.9,
        interval=(0.317, 0.383),
    )  # fmt: skip
    axes = profile_likelihoods([profile]).axes[0]
    drawn = axes.lines[0].get_xdata()
    assert 0.28 < drawn.min() < 0.317
    assert axes.lines[1].get_ydata()[0] == pytest.approx(2.7055, abs=1e-4)
    assert [line.get_xdata()[0] for line in axes.lines[2:]] == [0.317, 0.383]
