"""IsoFLOP profiles in a report, for tables that have them, and the optima of the law."""

import numpy as np
import pytest

from fitting import Picture, Runs, bundled_runs
from fitting.reporting.isoflop_sections import isoflop_report
from jaxlaws import presets
from jaxlaws.laws.chinchilla import Chinchilla

LAW = presets.load("besiroglu2024")
BUDGETS = np.geomspace(1e19, 1e21, 3)


def best_sizes(flops):
    """The minimum of `A / N**alpha + B / D**beta` at 6 N D FLOPs (Hoffmann et al. 2022, eq. 4)."""
    A, alpha, B, beta = (float(getattr(LAW, name)) for name in ("A", "alpha", "B", "beta"))
    ratio = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    return ratio * (flops / 6) ** (beta / (alpha + beta))


def runs_at(ratios):
    sizes = best_sizes(BUDGETS)[:, None] * ratios
    sizes, tokens = sizes.ravel(), (BUDGETS[:, None] / 6 / sizes).ravel()
    loss = np.asarray(LAW.loss(num_params=sizes, num_tokens=tokens))
    return Runs.read({"num_params": sizes, "num_tokens": tokens, "loss": loss})


def test_profiles_and_the_law_are_in_one_table():
    heading, minima, picture, beside, _ = isoflop_report(LAW, runs_at(np.geomspace(1 / 4, 4, 9)))
    assert heading == "### IsoFLOP profiles"
    assert minima.count("1e19 FLOPs | 9 |") == 1
    assert len(minima.splitlines()) == 2 + len(BUDGETS)
    assert isinstance(picture, Picture)
    labels = [text.get_text() for text in picture.figure.axes[0].get_legend().get_texts()]
    assert labels == ["1e19 FLOPs", "1e20 FLOPs", "1e21 FLOPs"]
    by_runs, by_law = (
        [cell.strip() for cell in row.strip("| ").split("|")] for row in beside.splitlines()[2:]
    )
    exponent = LAW.beta / (LAW.alpha + LAW.beta)
    assert by_law[:3] == ["Chinchilla, fitted", "3", f"{exponent:.3f}"]
    assert by_runs[2].startswith(f"{exponent:.3f} (")
    assert float(by_law[4].rstrip("B")) == pytest.approx(best_sizes(1e21) / 1e9, rel=5e-3)


def test_a_table_without_such_budgets_has_no_profiles():
    three_sizes = runs_at(np.array([0.3, 1.0, 3.0]))
    from_one_side = runs_at(np.geomspace(2, 9, 6))
    rng = np.random.default_rng(0)
    sizes, tokens = 10 ** rng.uniform(8, 10, 60), 10 ** rng.uniform(9, 11, 60)
    loss = np.asarray(LAW.loss(num_params=sizes, num_tokens=tokens))
    scattered = Runs.read({"num_params": sizes, "num_tokens": tokens, "loss": loss})
    for runs in (three_sizes, from_one_side, scattered):
        assert isoflop_report(LAW, runs) == []


@pytest.mark.slow
def test_the_bundled_runs_have_three_profiles():
    from fitting import fit

    runs = bundled_runs("supervised")
    parts = isoflop_report(fit(Chinchilla, runs).law, runs)
    assert [part for part in parts if isinstance(part, Picture)]
    for budget in ("2e11", "7.9e11", "3.1e12"):
        assert f"| {budget} FLOPs |" in parts[1]
