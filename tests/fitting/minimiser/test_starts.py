"""Random starts, quasi-random starts and grids of starts, and the fits from them."""

import jax.numpy as jnp
import numpy as np
import pytest
from by_hand import SIZES, size_columns
from laws_of_tests import SizeLaw
from scipy.stats import kstest, norm

from fitting import LogSquares, Runs, fit
from fitting.minimiser.starts import STARTS, spread_points
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class Bare:
    """`SizeLaw` without declared units."""

    E: Coefficient = positive()
    A: Coefficient = positive()
    alpha: Coefficient = positive()

    input_names = ("num_params",)

    def loss(self, *, num_params):
        return self.E + self.A * jnp.exp(-self.alpha * jnp.log(num_params))


@pytest.mark.parametrize(
    ("most", "levels"), [(1, (1, 1, 1)), (7, (2, 2, 1)), (27, (3, 3, 3)), (40, (4, 3, 3))]
)
def test_a_grid_is_the_largest_with_the_given_number_of_points(most, levels):
    points = spread_points("grid", most, 3, seed=0)
    assert len(points) == np.prod(levels) <= most
    for axis, count in zip(points.T, levels, strict=True):
        at = np.unique(axis)
        np.testing.assert_allclose(norm.cdf(at), (np.arange(count) + 0.5) / count, rtol=1e-12)
    assert len(np.unique(points, axis=0)) == len(points)


@pytest.mark.parametrize("num", [1, 100, 256])
@pytest.mark.parametrize("how", ["random", "quasi-random"])
def test_spread_starts_are_normal_and_repeat_by_their_seed(how, num):
    points = spread_points(how, num, 4, seed=3)
    assert points.shape == (num, 4)
    np.testing.assert_array_equal(points, spread_points(how, num, 4, seed=3))
    assert not np.array_equal(points, spread_points(how, num, 4, seed=4))
    if num > 1:
        assert all(kstest(axis, "norm").pvalue > 0.01 for axis in points.T)


def test_quasi_random_starts_leave_no_corner_empty():
    """Of 256 points in four dimensions each of the 16 orthants has 16. Random points vary."""
    signs = spread_points("quasi-random", 256, 4, seed=0) > 0
    counts = np.bincount(signs @ [1, 2, 4, 8], minlength=16)
    assert counts.tolist() == [16] * 16


@pytest.mark.parametrize("law", [SizeLaw, Bare])
@pytest.mark.parametrize("how", STARTS)
def test_every_spread_fits_a_law_of_ones_own(how, law):
    columns = size_columns(0.01)
    result = fit(law, Runs.read(columns, law_type=law), objective=LogSquares(), starts=how,
                 num_starts=32, seed=1)  # fmt: skip
    assert len(result.objective_by_start) == (27 if how == "grid" else 32)
    found = {name: float(getattr(result.law, name)) for name in ("E", "A", "alpha")}
    off = np.log((found["E"] + found["A"] * SIZES ** -found["alpha"]) / columns["loss"])
    assert result.objective == pytest.approx(np.sum(off**2) / 2, rel=1e-9)
    reference = fit(SizeLaw, Runs.read(columns, law_type=SizeLaw), objective=LogSquares())
    assert result.objective == pytest.approx(reference.objective, rel=1e-9)


def test_other_spreads_are_refused():
    runs = Runs.read(size_columns(0.01), law_type=SizeLaw)
    with pytest.raises(ValueError, match="starts: expected one of random, quasi-random, grid"):
        fit(SizeLaw, runs, starts="latin")
