"""Every replicate is a converged fit of its own resampled table."""

import jax
import numpy as np
import pytest
from by_hand import (
    NAMES,
    TRUTH,
    best_of_lbfgs,
    chinchilla_objective,
    simulated_columns,
    to_theta,
)

import fitting.minimiser.descent
import fitting.minimiser.multi_start
from fitting import Runs, Status, fit
from fitting.estimation.resampling import pairs_weights
from jaxlaws.laws.chinchilla import Chinchilla


def replicate(result, index):
    return {name: getattr(result.ensemble, name)[index] for name in NAMES}


def test_every_replicate_is_at_the_optimum_of_its_own_table(simulated, simulated_fit):
    weights = pairs_weights(len(simulated), 128, seed=0)
    assert np.all(simulated_fit.ensemble_status == Status.CONVERGED)
    for index in range(128):
        objective = chinchilla_objective(simulated, weights=weights[index])
        _, gradient = objective(to_theta(replicate(simulated_fit, index)))
        assert np.linalg.norm(gradient) < 1e-6, index


def test_scipy_finds_no_better_replicates(simulated, simulated_fit):
    weights = pairs_weights(len(simulated), 128, seed=0)
    start = to_theta({name: float(getattr(simulated_fit.law, name)) for name in NAMES})
    for index in range(12):
        objective = chinchilla_objective(simulated, weights=weights[index])
        ours, _ = objective(to_theta(replicate(simulated_fit, index)))
        assert ours <= best_of_lbfgs(objective, [start]).fun * (1 + 1e-9)


def test_resampled_tables_are_drawn_as_rows_with_replacement():
    weights = pairs_weights(50, 2000, seed=3)
    assert np.all(weights.sum(axis=1) == 50)
    # Counts of a row over resamples: mean 1, variance 1 - 1/50, absent with (1 - 1/50)**50.
    assert weights.mean() == 1
    assert weights.var() == pytest.approx(0.98, rel=0.02)
    assert (weights == 0).mean() == pytest.approx(0.98**50, rel=0.02)


def test_intervals_are_quantiles(simulated_fit):
    low, high = simulated_fit.interval(0.8)
    assert float(low.A) == pytest.approx(
        np.exp(np.quantile(np.log(simulated_fit.ensemble.A), 0.1)), rel=1e-12
    )
    beta = simulated_fit.coefficients(0.8)["beta"]
    assert (beta["low"], beta["high"]) == (
        float(low.beta),
        float(high.beta),
    )
    for level in (0.0, 1.0, 90):
        with pytest.raises(ValueError, match="between 0 and 1"):
            simulated_fit.interval(level)


def test_no_bootstrap_no_interval(simulated):
    with pytest.raises(ValueError, match="bootstrap=1000"):
        fit(Chinchilla, simulated, num_starts=8).interval()


@pytest.mark.slow
def test_intervals_cover_the_truth():
    """Over fifty simulated tables a 90% interval holds the true value about nine times in ten."""
    inside = dict.fromkeys(NAMES, 0)
    for seed in range(50):
        runs = Runs.read(simulated_columns(5e-3, seed=100 + seed))
        low, high = fit(Chinchilla, runs, num_starts=16, bootstrap=256).interval(0.9)
        for name in NAMES:
            truth = getattr(TRUTH, name)
            inside[name] += bool(getattr(low, name) <= truth <= getattr(high, name))
    for name, count in inside.items():
        assert 38 <= count <= 50, (name, count)  # 45 expected; 38 is 3.3 binomial sd below


@pytest.mark.slow
def test_a_tighter_tolerance_changes_no_spread(simulated, simulated_fit, monkeypatch):
    tight = fitting.minimiser.descent.TOLERANCE / 10
    for module in (fitting.minimiser.descent, fitting.minimiser.multi_start):
        monkeypatch.setattr(module, "TOLERANCE", tight)
    jax.clear_caches()  # the tolerance is part of the compiled programs
    try:
        tighter = fit(Chinchilla, simulated, bootstrap=128)
    finally:
        jax.clear_caches()
    for name in NAMES:
        spreads = [
            np.std(np.log(getattr(each.ensemble, name))) for each in (tighter, simulated_fit)
        ]
        assert spreads[0] == pytest.approx(spreads[1], rel=0.01), name
