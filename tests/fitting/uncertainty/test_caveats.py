"""What a fit does not determine, on tables whose faults are known."""

import numpy as np
import pytest

from fitting import Runs, caveats_of, coefficients_on_bounds, fit
from fitting.reporting.fit_sections import coefficient_table
from fitting.uncertainty.caveats import open_splits
from jaxlaws.laws.chinchilla import Chinchilla

pytestmark = pytest.mark.filterwarnings("ignore::fitting.WeakDesignWarning")


def table(sizes, tokens, floor, noise=0.0):
    signs = np.where(np.arange(len(sizes)) % 2, 1.0, -1.0)
    loss = floor + 60 / sizes**0.2 + 300 / tokens**0.25
    return Runs.read(
        {"num_params": sizes, "num_tokens": tokens, "loss": loss * (1 + noise * signs)}
    )


@pytest.fixture(scope="module")
def collinear():
    sizes = np.geomspace(1e8, 1e9, 8)
    return fit(Chinchilla, table(sizes, 20 * sizes, 1.7), num_starts=16)


@pytest.fixture(scope="module")
def grid():
    sizes, tokens = (each.ravel() for each in np.meshgrid([1e8, 4e8, 2e9], [2e9, 2e10, 1e11]))
    return sizes, tokens


def test_collinear_runs_leave_the_split_open_with_their_ratio(collinear):
    assert open_splits(collinear) == {"num_params": pytest.approx(20)}
    assert any("exponents cannot be separated" in each for each in caveats_of(collinear))


def test_a_good_design_has_no_caveats():
    grid = np.meshgrid(np.geomspace(1e7, 1e10, 6), np.geomspace(1e9, 1e12, 6))
    runs = table(*map(np.ravel, grid), 1.7, noise=2e-3)
    result = fit(Chinchilla, runs, num_starts=16, bootstrap=32)
    assert open_splits(result) == {}
    assert coefficients_on_bounds(result) == ()
    assert caveats_of(result) == ()


def test_held_coefficients_may_determine_the_split():
    sizes = np.geomspace(1e8, 1e9, 8)
    held = fit(
        Chinchilla, table(sizes, 20 * sizes, 1.7), num_starts=8, freeze={"A": 60.0, "alpha": 0.2}
    )
    assert open_splits(held) == {}


def test_tokens_that_fall_with_the_size_have_no_common_ratio():
    sizes = np.geomspace(1e8, 1e9, 8)
    result = fit(Chinchilla, table(sizes, 1e19 / sizes, 1.7), num_starts=8)
    assert np.isnan(open_splits(result)["num_params"])


def test_a_floor_on_its_bound_has_no_interval_in_a_report(grid):
    sizes, tokens = grid
    runs = table(sizes, tokens, -1.0, noise=1e-2)
    result = fit(Chinchilla, runs, num_starts=16, bootstrap=32)
    assert coefficients_on_bounds(result) == ("E",)
    rows = coefficient_table(result).splitlines()
    assert next(row for row in rows if row.startswith("| E ")).count("on a bound") == 2
    assert any("E" in each and "edge of its domain" in each for each in caveats_of(result))
