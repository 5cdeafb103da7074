"""A fit that should not be used says so: simple predictions are better, or the draws disagree."""

import numpy as np
import pytest
from laws_of_tests import SizeLaw

from fitting import LogSquares, Runs, Squares, Status, fit, predict
from jaxlaws.foundations.errors import NotSolvedError
from jaxlaws.pytree import Coefficient, positive, pytree

SIZE = np.geomspace(1e7, 1e10, 16)


def runs(loss):
    return Runs.read({"num_params": SIZE, "loss": loss})


@pytree
class NoFloor:
    """`2 + A / N`, which cannot follow a slow power."""

    A: Coefficient = positive()
    E: Coefficient = positive()

    input_names = ("num_params",)

    def loss(self, *, num_params):
        return 2 + self.A / num_params + 0.0 * self.E


def test_a_law_that_predicts_worse_than_a_line_in_the_logarithm_has_failed():
    loss = 6 * SIZE**-0.05
    result = fit(NoFloor, runs(loss), objective=Squares(), num_starts=16)
    line = np.polynomial.Polynomial.fit(np.log(SIZE), np.log(loss), 1)
    by_line = 0.5 * np.sum((np.exp(line(np.log(SIZE))) - loss) ** 2)
    assert by_line < result.objective
    assert result.status is Status.NOT_CONVERGED
    assert any("a linear model in the logarithms of the inputs" in w for w in result.warnings)
    with pytest.raises(NotSolvedError):
        fit(NoFloor, runs(loss), objective=Squares(), num_starts=16, throw=True)


@pytest.mark.parametrize("noise", [0.0, 3e-5, 1e-3])
def test_a_pure_power_is_on_its_edge_and_has_not_failed(noise):
    """A line in the logarithm is the same model with a floor of zero, and may fit as well."""
    loss = 30 * SIZE**-0.15 * np.exp(noise * np.random.default_rng(5).normal(size=len(SIZE)))
    result = fit(SizeLaw, runs(loss), objective=LogSquares(), num_starts=32)
    assert result.status <= Status.FLAT_DIRECTION, result.warnings
    assert not any("predicts the runs better" in warning for warning in result.warnings)


def test_draws_on_the_edge_show_that_the_floor_is_not_determined():
    """Sixteen noisy points of a pure power: the floor is zero in many draws, whatever the fit."""
    random = np.random.default_rng(3)
    loss = 30 * SIZE**-0.15 * np.exp(0.02 * random.normal(size=len(SIZE)))
    result = fit(SizeLaw, runs(loss), objective=LogSquares(), num_starts=32, bootstrap=200)
    floors = np.asarray(result.usable_ensemble().E)
    assert np.mean(floors < 1e-3) > 0.05
    assert result.status is not Status.CONVERGED
    assert any(
        w.startswith(("E is at an edge", "the runs do not distinguish E")) for w in result.warnings
    )


def test_a_coefficient_beyond_float32_is_named():
    """`A / N**5` around a billion parameters: every loss is fine, but A is 1e45."""
    sizes = np.geomspace(5e8, 2e9, 16)
    table = Runs.read({"num_params": sizes, "loss": 1.7 + (1e9 / sizes) ** 5})
    result = fit(SizeLaw, table, objective=LogSquares(), num_starts=16)
    (note,) = (each for each in result.warnings if "float32" in each)
    assert note.startswith("A is 1.0e+45, more than float32 can hold")
    assert not np.isfinite(result.law.loss(num_params=np.float32(1e9)))
    assert predict(result.law, {"num_params": 1e9}) == pytest.approx(2.7, rel=1e-6)
