"""Fits of many simulated tables in one batch equal the separate fits of these tables."""

import numpy as np
import pytest
from click.testing import CliRunner

from experiments.calibration.__main__ import main
from experiments.calibration.methods import resampled
from experiments.calibration.simulated import Tables, noise_of_tables, runs_with, truth
from fitting import Huber, Status, fit
from fitting.estimation.resampling import RESAMPLINGS
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.precision import float64


@pytest.mark.slow
@pytest.mark.parametrize("misspecified", [False, True])
def test_a_batch_of_tables_equals_separate_fits(misspecified):
    law, noise, draws = truth(misspecified), noise_of_tables(3, 2), 24
    with float64():
        tables = Tables.fitted(noise, law, Huber(1e-3))
    for method in RESAMPLINGS:
        with float64():
            ensemble, usable = tables.refitted(*resampled(tables, method, draws, first_seed=3))
        for number in range(2):
            runs = runs_with(noise[number], law)
            result = fit(Chinchilla, runs, bootstrap=draws, resample=method, seed=3 + number)
            assert tables.objectives[number] == pytest.approx(result.objective, rel=1e-12)
            alone = result.ensemble_status <= Status.FLAT_DIRECTION
            np.testing.assert_array_equal(usable[number], alone)
            for name in ("E", "A", "alpha", "B", "beta"):
                np.testing.assert_allclose(
                    getattr(ensemble, name)[number],
                    getattr(result.ensemble, name),
                    rtol=1e-5,
                    err_msg=f"{method} {name}",
                )


@pytest.mark.slow
def test_the_command_writes_shares_with_their_errors(tmp_path):
    path = tmp_path / "shares.md"
    arguments = ["--repetitions", "8", "--draws", "64", "-o", str(path)]
    text = CliRunner().invoke(main, arguments, catch_exceptions=False).stdout
    assert path.read_text().strip() == text.strip()
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| pairs, p")]
    assert len(rows) == 4  # two objectives, right and wrong law
    shares = [[float(cell.split("±")[0]) for cell in row[1:]] for row in rows]
    for right in (shares[0], shares[2]):
        assert np.mean(right) > 0.6  # .9 expected of 40, whose standard error is about .08
    for wrong in (shares[1], shares[3]):
        assert wrong[1] < 0.5  # a decade beyond the runs the wrong law is wrong
