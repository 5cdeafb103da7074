"""Predictions with intervals over the draws of a fit."""

import numpy as np
import pytest

from fitting import FitResult, Runs, fit
from jaxlaws import presets
from jaxlaws.laws.kaplan import Kaplan


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    sizes, tokens = np.geomspace(1e7, 1e9, 9), np.tile([1e9, 4e9, 2e10], 3)
    exact = presets.load("kaplan2020").loss(num_params=sizes, num_tokens=tokens)
    loss = exact * (1 + 0.01 * np.sin(np.arange(9.0)))
    runs = Runs.read({"num_params": sizes, "num_tokens": tokens, "loss": loss})
    result = fit(Kaplan, runs, num_starts=8, bootstrap=32)
    path = tmp_path_factory.mktemp("fit") / "kaplan.json"
    result.save(path)
    return path, result


def test_intervals_are_quantiles_of_the_draws(run, fitted):
    path, result = fitted
    document = run(
        "predict", "--law", path, "--params", "1e8:1e9:3", "--tokens", "1B", "--json"
    ).json
    draws = result.usable_ensemble()
    for i, size in enumerate([1e8, 10**8.5, 1e9]):
        base = (draws.N_c / size) ** (draws.alpha_N / draws.alpha_D) + draws.D_c / 1e9
        expected = np.quantile(base**draws.alpha_D, [0.05, 0.95])
        assert [ends[i] for ends in document["intervals"]["loss"]] == pytest.approx(expected)
    assert "not its form" in document["caveats"][-1]
    assert document["num_tokens"] == [1e9] * 3


def test_the_table_has_the_ends_and_the_caveat(run, fitted):
    shown = run("predict", "--law", fitted[0], "--params", "1B", "--tokens", "1B").out
    assert "low (90%)" in shown
    assert "Caveat: The intervals cover the coefficients of the law, not its form." in shown


def test_a_law_without_draws_has_no_intervals(run):
    options = ("--params", "1B", "--tokens", "1B")
    assert "intervals" not in run("predict", "--law", "besiroglu2024", *options, "--json").json
    assert "low" not in run("predict", "--law", "besiroglu2024", *options).out


def test_best_of_keeps_the_best_run_of_each_cell(run, tmp_path):
    cells = [(size, tokens) for size in (1e7, 1e8, 1e9) for tokens in (1e9, 1e10, 1e11)]
    best = [1.8 + 90 / size**0.3 + 400 / tokens**0.28 for size, tokens in cells]
    rows = [
        f"{size!r},{tokens!r},{loss * factor!r}"
        for (size, tokens), loss in zip(cells, best, strict=True)
        for factor in (1.2, 1.0, 1.1)
    ]
    path = tmp_path / "runs.csv"
    path.write_text("num_params,num_tokens,loss\n" + "\n".join(rows))
    plain = run("fit", path, "--law", "chinchilla", "--starts", 16, "--json")
    assert "same num_params, num_tokens" in plain.err
    assert "--best-of" in plain.err
    saved = tmp_path / "fit.json"
    kept = run(
        "fit", path, "--law", "chinchilla", "--starts", 16, "--best-of", "--json", "-o", saved
    )
    assert kept.json["num_runs"] == 9
    assert kept.json["errors"]["worst"] < 0.1
    assert "rows left out: 18" in kept.err
    assert FitResult.load(saved).num_runs == 9
