"""Reports of other optima, for a law whose optima are known in closed form."""

import jax.numpy as jnp
import numpy as np
import pytest

from fitting import FitResult, Runs, Squares, fit
from fitting.reporting.fit_sections import fit_report
from jaxlaws.pytree import Coefficient, positive, pytree, real, unit_interval

SIZES = np.geomspace(1e6, 1e9, 12, endpoint=False)
ANGLES = 2 * np.pi * (np.log10(SIZES) - 6) / 3


@pytree
class Ellipse:
    """Waves along log N, with amplitudes on an ellipse of half axes .2 and .1.

    Take a point on the short axis, near the middle. The nearest point of the ellipse is the nearer
    end of the short axis. The other end is a local optimum.
    """

    N0: Coefficient = positive(unit_of="num_params")
    E: Coefficient = real()
    turn: Coefficient = unit_interval()

    input_names = ("num_params",)

    def loss(self, *, num_params):
        angle = 2 * jnp.pi * jnp.log10(num_params / self.N0) / 3
        turned = 2 * jnp.pi * self.turn
        across = 0.2 * jnp.cos(turned) * jnp.cos(angle)
        return self.E + across + 0.1 * jnp.sin(turned) * jnp.sin(angle)


def fitted(height, starts="random", num_starts=64):
    """The fit of a point on the short axis, and with a wave that the law does not have."""
    loss = 3 + height * np.sin(ANGLES) + 0.01 * np.cos(2 * ANGLES)
    runs = Runs.read({"num_params": SIZES, "loss": loss}, law_type=Ellipse)
    return fit(
        Ellipse, runs, objective=Squares(), num_starts=num_starts, starts=starts, freeze={"N0": 1e6}
    )


def objective_at(across, end, height):
    """The objective in closed form: the squares of a wave sum to half the number of runs."""
    return 0.5 * 6 * (across**2 + (end - height) ** 2 + 0.01**2)


@pytest.fixture(scope="module")
def result():
    return fitted(0.03)


def test_other_optima_are_reported(result):
    assert float(result.law.turn) == pytest.approx(1 / 4, abs=1e-7)
    assert result.objective == pytest.approx(objective_at(0, 0.1, 0.03), rel=1e-9)
    (far_end,) = result.other_optima
    assert float(far_end.law.turn) == pytest.approx(3 / 4, abs=1e-7)
    assert far_end.objective == pytest.approx(objective_at(0, -0.1, 0.03), rel=1e-9)
    assert far_end.differences == {"turn": (pytest.approx(3 / 4), pytest.approx(1 / 4))}
    there = np.isclose(result.objective_by_start, far_end.objective, rtol=1e-4)
    assert far_end.num_starts == there.sum() > 5
    sentence = (
        f"{far_end.num_starts} of 64 starts ended at another optimum, with an objective 3.4 times "
        "as high (0.051): turn 0.75 instead of 0.25"
    )
    assert sentence in result.warnings
    assert any(sentence in part for part in fit_report(result) if isinstance(part, str))


def test_an_optimum_with_the_same_objective_is_reported_too():
    """Both ends of the short axis are equally near to the middle."""
    twins = fitted(0.0, "grid", 9)
    assert twins.objective_by_start == pytest.approx(objective_at(0, 0.1, 0), rel=1e-9)
    (twin,) = twins.other_optima
    both = sorted([float(twin.law.turn), float(twins.law.turn)])
    assert both == pytest.approx([1 / 4, 3 / 4], abs=1e-6)
    assert 3 <= twin.num_starts <= 6
    assert any("the runs do not decide between the two: turn" in each for each in twins.warnings)


def test_other_optima_are_saved(result, tmp_path):
    result.save(tmp_path / "fit.json")
    again = FitResult.load(tmp_path / "fit.json", Ellipse).other_optima
    assert [each.to_json() for each in again] == result.to_dict()["other_optima"]
    assert [each.differences for each in again] == [e.differences for e in result.other_optima]


def test_a_fit_with_one_optimum_reports_no_other(hoffmann_fit):
    _, result = hoffmann_fit
    assert result.other_optima == ()
    assert result.warnings == ()
