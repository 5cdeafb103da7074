"""Simulated runs at a paper's protocols, refitted in two stages, predict what was not run."""

import numpy as np
import paper_protocols
import pytest
from by_hand import distillation_limit, values

from fitting import Huber, Status, fit
from jaxlaws.laws.distillation_limit import DistillationLimit


def worst_errors(objective, seeds):
    """Worst and mean error in per cent on 3,000 runs that were not fitted, noise-free, by seed."""
    design = paper_protocols.held_out_design()
    truth = paper_protocols.distilled_loss(*design)
    worst_and_mean = []
    for seed in seeds:
        runs = paper_protocols.table(noise=5e-3, seed=seed)
        result = fit(DistillationLimit, runs, objective=objective, num_starts=64)
        assert (result.num_runs, result.stages["supervised"].num_runs) == (697, 73)
        assert result.status is Status.CONVERGED
        errors = 100 * np.abs(distillation_limit(values(result), *design) / truth - 1)
        worst_and_mean.append((errors.max(), errors.mean()))
    return np.array(worst_and_mean).T


@pytest.mark.slow
def test_held_out_runs_are_predicted_within_half_a_per_cent():
    """With half a per cent of noise, and an objective whose squares reach as far as the noise."""
    worst, mean = worst_errors(Huber(1e-2), range(10))
    assert worst.max() < 0.5, worst
    assert mean.max() < 0.06, mean


@pytest.mark.slow
def test_the_default_objective_predicts_hardly_worse():
    """Least absolute deviations cost a third of the runs' worth under Gaussian noise.

    One of ten tables then has a held-out run off by .58%, a 7.7B student on 1.4B tokens.
    """
    worst, mean = worst_errors(Huber(1e-3), range(10))
    assert np.sum(worst < 0.5) >= 9, worst
    assert worst.max() < 0.6, worst
    assert mean.max() < 0.07, mean
