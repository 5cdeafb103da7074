"""A bootstrap of which no draw converges gives a fit without draws, and a warning."""

import dataclasses
import json

import numpy as np
import pytest

from fitting import FitResult, Runs, fit
from fitting.estimation import pipeline
from fitting.minimiser.status import Status
from jaxlaws import presets
from jaxlaws.laws.kaplan import Kaplan


@pytest.fixture
def runs():
    sizes, tokens = np.geomspace(1e7, 1e9, 9), np.tile([1e9, 4e9, 2e10], 3)
    exact = presets.load("kaplan2020").loss(num_params=sizes, num_tokens=tokens)
    loss = exact * (1 + 0.01 * np.sin(np.arange(9.0)))
    return Runs.read({"num_params": sizes, "num_tokens": tokens, "loss": loss})


def test_no_draw_is_as_no_bootstrap(runs, monkeypatch, tmp_path):
    fit_tables = pipeline.Replicates.fit

    def all_fail(self, *arguments, **options):
        ensemble, judgement, vectors = fit_tables(self, *arguments, **options)
        failed = np.full(len(judgement.status), Status.NOT_CONVERGED)
        return ensemble, dataclasses.replace(judgement, status=failed), vectors

    monkeypatch.setattr(pipeline.Replicates, "fit", all_fail)
    result = fit(Kaplan, runs, num_starts=8, bootstrap=32)
    assert result.ensemble is None
    assert result.coefficients()["alpha_N"]["low"] is None
    assert any("none of 32 bootstrap draws converged" in each for each in result.warnings)


def test_a_file_of_such_draws_is_read(runs, tmp_path):
    path = tmp_path / "fit.json"
    fit(Kaplan, runs, num_starts=8, bootstrap=32).save(path)
    document = json.loads(path.read_text())
    document["fit"]["ensemble_status"] = [int(Status.NOT_CONVERGED)] * 32
    path.write_text(json.dumps(document))
    assert FitResult.load(path).ensemble is None
