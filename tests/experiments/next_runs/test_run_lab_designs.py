"""Two designs in the run lab: equal cost, equal limits, and rows that can be trained again."""

import csv

import numpy as np
import pytest

from experiments.next_runs.run_lab import (
    DESIGNS,
    PROFILES,
    RUNS,
    SIZES,
    TOKENS,
    cost,
    jobs,
    largest,
)
from experiments.runlab import table
from experiments.runlab.runs import from_row

NAMES = ("next_runs", "isoflop")


def test_both_designs_have_the_same_cost_and_limits():
    runs = {name: [run for (run,) in jobs(name)] for name in NAMES}
    assert [len(runs[name]) for name in NAMES] == [12, 12]
    costs = {name: np.array([run.training_flops for run in runs[name]]) for name in NAMES}
    # Steps are rounded, and the budget of a design is not spent to the last step.
    assert costs["next_runs"].sum() == pytest.approx(costs["isoflop"].sum(), rel=0.005)
    for name in NAMES:
        assert costs[name].max() <= PROFILES[-1] * 1.001
        assert all(0.999 * TOKENS[0] <= run.tokens <= TOKENS[1] for run in runs[name])
    every = [run.name for name in ("pilot", *NAMES) for (run,) in jobs(name)]
    assert len(set(every)) == len(every)


def test_the_cost_of_an_existing_size_is_exact():
    (run,) = jobs("pilot")[0]
    found = float(cost(num_params=float(run.params), num_tokens=float(run.tokens)))
    assert found == pytest.approx(run.training_flops, rel=1e-6)
    assert run.params in SIZES


def test_every_row_belongs_to_a_design_and_none_is_a_bundled_run():
    rows = {row["run"]: row for row in table.read(RUNS)}
    for row in rows.values():
        planned = {run.name: run for (run,) in jobs(row["sweep"])}
        assert from_row(row["run"], rows) == planned[row["run"]]
        assert row["status"] == "ok"
    assert not set(rows) & set(largest().others["run"])
    with DESIGNS.open(newline="") as file:
        assert {row["design"] for row in csv.DictReader(file)} == set(NAMES)
