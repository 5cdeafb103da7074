"""Designs for a line and a parabola, which are known in closed form."""

import jax.numpy as jnp
import numpy as np
import pytest

from fitting import Runs, Squares, fit, next_runs
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.law import Law
from jaxlaws.inputs import Input
from jaxlaws.pytree import pytree, real


@pytree
class Line:
    """`start + slope * x + curve * x**2`."""

    start: Array = real()
    slope: Array = real()
    curve: Array = real()

    input_names = ("x",)
    own_inputs = {"x": Input("a place", may_be_negative=True)}  # noqa: RUF012
    outcome = Input("a height", may_be_negative=True)

    def loss(self, *, x):
        return self.start + self.slope * x + self.curve * x**2


@pytest.fixture(scope="module")
def line():
    x = np.array([-0.3, -0.1, 0.1, 0.2, 0.3])
    heights = 1 + 2 * x + np.array([0.01, -0.02, 0.01, 0.0, -0.01])
    runs = Runs.read({"x": x, "loss": heights}, law_type=Line)
    return fit(Line, runs, objective=Squares(), num_starts=4), runs


def constant_cost(*, x):
    return jnp.ones_like(x)


def test_the_slope_of_a_line_is_measured_at_both_ends(line):
    result, runs = line
    found = next_runs(
        result,
        runs,
        flops=8,
        quantity=lambda law: law.slope,
        num_runs=8,
        bounds={"x": (-1.0, 1.0)},
        cost=constant_cost,
    )
    assert np.sort(found.inputs["x"]) == pytest.approx([-1] * 4 + [1] * 4, abs=1e-3)


def test_the_curve_of_a_parabola_is_measured_at_the_ends_and_in_the_middle(line):
    """D-optimal theory: for the curvature a quarter, a half and a quarter of the runs."""
    result, runs = line
    found = next_runs(
        result,
        runs,
        flops=80,
        quantity=lambda law: law.curve,
        candidates={"x": np.tile(np.linspace(-1, 1, 5), 40)},
        num_runs=80,
        cost=constant_cost,
    )
    places, counts = np.unique(found.inputs["x"], return_counts=True)
    assert places.tolist() == [-1.0, 0.0, 1.0]
    assert counts == pytest.approx([20, 40, 20], abs=3)


def test_law_is_a_law():
    assert isinstance(Line(start=0.0, slope=1.0, curve=0.0), Law)
