"""Comparisons of laws: criteria by hand, the same hold-outs, and the right law is selected."""

import functools
import json
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from by_hand import SIZES, size_columns, taught_columns
from laws_of_tests import SizeLaw, TaughtLaw

from fitting import Huber, Runs
from fitting.reporting.tables import comparison_table
from fitting.validation.cross_validation import leave_one_group_out, roll_out
from fitting.validation.model_comparison import compare_laws
from jaxlaws.pytree import Coefficient, positive, pytree

FEW: dict[str, Any] = {"num_starts": 16}


@pytree
class Power:
    """`loss = A / N**alpha`: linear in logs."""

    A: Coefficient = positive(unit_of="num_params", power="alpha")
    alpha: Coefficient = positive()

    input_names = ("num_params",)

    def loss(self, *, num_params):
        return self.A * jnp.exp(-self.alpha * jnp.log(num_params))


@pytest.fixture(scope="module")
def sizes():
    return Runs.read(size_columns(0.01) | {"mix": [*"aaabbbcccddd"]}, law_type=SizeLaw)


@pytest.fixture(scope="module")
def compared(sizes):
    validation = functools.partial(leave_one_group_out, column="mix")
    return compare_laws({"floor": SizeLaw, "power": Power}, sizes, validation=validation, **FEW)


def test_the_criteria_of_a_line_in_logs_agree_with_the_textbook(compared):
    """Normal noise: n log(2 pi RSS / n) + n, and 3 parameters, the variance one of them."""
    log_n, log_loss = np.log(SIZES), np.log(size_columns(0.01)["loss"])
    residuals = log_loss - np.polyval(np.polyfit(log_n, log_loss, 1), log_n)
    deviance = 12 * np.log(2 * np.pi * np.mean(residuals**2)) + 12
    power = compared[1]
    assert power.num_free == 3
    assert power.aicc == pytest.approx(deviance + 6 + 2 * 3 * 4 / (12 - 3 - 1), rel=1e-9)
    assert power.bic == pytest.approx(deviance + 3 * np.log(12), rel=1e-9)


def test_the_law_that_generated_the_runs_is_best(compared):
    floor, power = compared
    assert floor.aicc < power.aicc - 10
    assert floor.bic < power.bic - 10
    assert np.abs(floor.errors).mean() < np.abs(power.errors).mean()
    value, low, high = power.difference
    assert value == pytest.approx(np.abs(power.errors).mean() - np.abs(floor.errors).mean())
    assert 0 < low < value < high
    assert floor.difference == (0, 0, 0)


def test_hold_outs_are_the_same_for_all_laws(sizes, compared):
    """Each group's errors are those of a line fitted to the other three."""
    log_n, loss = np.log(SIZES), size_columns(0.01)["loss"]
    expected = []
    for group in "abcd":
        out = sizes.others["mix"] == group
        line = np.polyfit(log_n[~out], np.log(loss[~out]), 1)
        expected.append(100 * (np.exp(np.polyval(line, log_n[out])) / loss[out] - 1))
    np.testing.assert_allclose(compared[1].errors, np.concatenate(expected), rtol=1e-6)


def test_a_needless_coefficient_makes_the_criteria_worse():
    """Runs without an irreducible loss: the law with one fits as well, with higher criteria."""
    runs = Runs.read(size_columns(0.01, E=0.0, seed=2), law_type=SizeLaw)
    rolled = functools.partial(roll_out, by="num_params", num_windows=2, least=0.5)
    power, floor = compare_laws(
        {"power": Power, "floor": SizeLaw}, runs,
        validation=lambda *a, **o: rolled(*a, **o).hold_outs, **FEW,
    )  # fmt: skip
    assert floor.fit.objective <= power.fit.objective * (1 + 1e-9)
    assert floor.aicc > power.aicc
    assert floor.bic > power.bic


def test_tables(compared):
    lines = comparison_table(compared).splitlines()
    assert lines[2].startswith("| floor | 4 | 0.0 | 0.0 | ")
    assert lines[2].endswith(" |  |")
    assert f"| {compared[1].aicc - compared[0].aicc:.1f} |" in lines[3]
    json.dumps([each.summary() for each in compared], allow_nan=False)


def test_two_equal_laws_have_equal_criteria_with_another_objective():
    """Coefficients of a sub-law are not counted: it is fitted to other runs."""
    runs = Runs.read(taught_columns(noise=0.01))
    laws = {"one": TaughtLaw, "same": TaughtLaw}
    one, same = compare_laws(laws, runs, objective=Huber(1e-3), **FEW)
    assert one.num_free == 2 + 1
    assert same.aicc == pytest.approx(one.aicc, abs=1e-9)
    assert same.difference == (0, 0, 0)


def test_errors_name_the_reason(sizes):
    with pytest.raises(ValueError, match="two laws or more, got floor"):
        compare_laws({"floor": SizeLaw}, sizes)
    with pytest.raises(ValueError, match="different rows"):
        compare_laws({"size": SizeLaw, "taught": TaughtLaw}, Runs.read(taught_columns()))
