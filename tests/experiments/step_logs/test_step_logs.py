"""The logs of runs: the inputs of the law, and the end of a run of which half is known."""

import numpy as np
import pytest

from experiments.runlab import table
from experiments.runlab.optimiser import rate_at
from experiments.step_logs.__main__ import RUNS, STEPS
from experiments.step_logs.judgement import FIRST_STEP, INPUTS, steps_of
from fitting import fit, predict
from jaxlaws.laws.further_inputs.annealing import LearningRateAnnealing


def test_the_table_has_the_steps_of_every_run():
    rows = table.read(STEPS)
    names = {row["run"] for row in rows}
    assert len(names) == len(RUNS) == 10
    for row in rows:
        assert int(row["step"]) <= int(row["num_steps"])
    assert len(rows) == sum(steps // 250 for _, steps, _ in RUNS)


def test_the_constant_schedule_falls_in_the_last_fifth():
    rates = np.asarray(rate_at(np.arange(1000), 1000, "constant"))
    assert rates[0] == pytest.approx(0.01)
    assert rates[100:800] == pytest.approx(1.0)
    # A line from 1 at step 800 to 0 at step 1000: one step changes the rate by 0.005.
    assert rates[900] == pytest.approx(0.5, abs=0.01)
    assert rates[-1] == pytest.approx(0.005, abs=0.002)


@pytest.mark.filterwarnings("ignore::fitting.TableNote")
def test_the_end_of_a_run_of_which_half_is_known():
    """Width 24, the constant rate: its annealing is known from the other sizes only."""
    rows = [row for row in table.read(STEPS) if row["num_steps"] == "4000"]
    steps = steps_of(rows, 0.99)
    name = "s-d24-4000-seed4-constant"
    is_open = (steps.others["run"] == name) & (steps.column("done") > 0.5)
    assert steps.column("step").min() == FIRST_STEP
    law = fit(LearningRateAnnealing, steps.where(~is_open), num_starts=8).law
    end = steps.where((steps.others["run"] == name) & (steps.column("done") == 1))
    (predicted,) = predict(law, {key: end.inputs[key] for key in INPUTS})
    # The worst of the ten ends in the README is 1.9% off.
    assert predicted == pytest.approx(end.loss[0], rel=0.02)
    (before,) = steps.where((steps.others["run"] == name) & (steps.column("done") == 0.5)).loss
    assert end.loss[0] < 0.97 * before  # the loss has yet to fall by more than the error
