"""Laws of compute and of overtraining: published numbers, formulas anew, and the runs behind."""

import csv
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from fitting import Runs, fit
from jaxlaws import presets
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.laws.one_input.compute_floor import ComputeFloor
from jaxlaws.laws.overtraining import Overtraining
from jaxlaws.pytree import pytree

pytestmark = pytest.mark.usefixtures("x64")

C4: Any = Overtraining(E=1.51, a=141.0, b=190.0, eta=0.121)


@pytest.mark.parametrize(
    ("name", "days", "exponent"),
    [("kaplan2020_compute", 3.1e8, 0.050), ("kaplan2020_compute_untuned", 1.6e7, 0.057)],
)
def test_kaplans_laws_of_compute(name, days, exponent):
    law, flops = presets.load(name), np.geomspace(1e18, 1e24, 7)
    expected = (days * 8.64e19 / flops) ** exponent
    np.testing.assert_allclose(law.loss(flops=flops), expected, rtol=1e-13)
    assert float(law.loss(flops=law.C_c)) == 1.0
    assert float(law.loss(flops=np.inf)) == 0.0


def test_a_floor_is_what_is_left():
    law: Any = ComputeFloor(E=1.7, A=3e3, alpha=0.15)
    flops = np.geomspace(1e18, 1e26, 9)
    np.testing.assert_allclose(law.loss(flops=flops), 1.7 + 3e3 / flops**0.15, rtol=1e-13)
    assert float(law.loss(flops=np.inf)) == 1.7


def test_overtraining_is_the_papers_formula_of_compute_and_multiplier():
    flops, multiplier = np.geomspace(1e17, 1e24, 8)[:, None], np.geomspace(5, 640, 7)[None, :]
    size = np.sqrt(flops / (6 * multiplier))
    expected = 1.51 + (141 * multiplier**0.121 + 190 * multiplier**-0.121) * flops**-0.121
    predicted = C4.loss(num_params=size, num_tokens=multiplier * size)
    np.testing.assert_allclose(predicted, expected, rtol=1e-12)


def test_overtraining_is_chinchilla_with_one_exponent():
    plain: Any = Chinchilla(E=1.51, A=141 / 6**0.121, alpha=0.242, B=190 / 6**0.121, beta=0.242)
    inputs = {"num_params": np.geomspace(1e7, 1e10, 5), "num_tokens": np.geomspace(1e12, 1e9, 5)}
    np.testing.assert_allclose(C4.loss(**inputs), plain.loss(**inputs), rtol=1e-13)


def test_the_best_multiplier_is_the_same_at_every_compute():
    best = (190 / 141) ** (1 / 0.242)
    for flops in (1e18, 1e22):
        multiplier = best * np.geomspace(0.5, 2, 201)
        size = np.sqrt(flops / (6 * multiplier))
        assert np.argmin(C4.loss(num_params=size, num_tokens=multiplier * size)) == 100


@pytree
class Squares:
    """Least squares of the losses themselves."""

    def residuals(self, predicted, observed):
        return predicted - observed

    def costs(self, residuals):
        return jnp.square(residuals) / 2

    def slope(self):
        return 1.0


def rows_of(folder, dataset):
    """Size, multiplier and what the law takes of each run on a data set."""
    with (folder / "gadre_overtraining_runs.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == dataset]
    names = ("N", "chinchilla_multiplier", "D", "loss_c4_val")
    return np.array([[float(row[name]) for name in names] for row in rows]).T


def fit_to_five(size, multiplier, tokens, loss):
    """Their fit to the four smallest sizes at 20 tokens a parameter and the smallest at 320."""
    small = ((multiplier == 1) & (size < 4.5e8)) | ((multiplier == 16) & (size < 2e7))
    columns = {"num_params": size, "num_tokens": tokens, "loss": loss}
    runs = Runs.read({name: values[small] for name, values in columns.items()})
    assert len(runs) == 5
    return fit(Overtraining, runs, objective=Squares(), num_starts=64).law


@pytest.mark.parametrize(
    ("dataset", "coefficients"),
    [
        ("c4_original", (141, 190, 0.121, 1.51)),
        ("rpj", (212, 367, 0.136, 1.84)),
        ("rw_original", (157, 246, 0.127, 1.73)),
    ],
)
def test_five_small_runs_give_their_coefficients(real_runs, dataset, coefficients):
    law = fit_to_five(*rows_of(real_runs, dataset))
    found = (law.a, law.b, law.eta, law.E)
    for value, expected, rounding in zip(found, coefficients, (1, 1, 1e-3, 1e-2), strict=True):
        assert value == pytest.approx(expected, abs=0.51 * rounding)


def test_five_small_runs_foretell_two_large_ones(real_runs):
    size, multiplier, tokens, loss = rows_of(real_runs, "rpj")
    law = fit_to_five(size, multiplier, tokens, loss)
    errors = 100 * np.abs(np.asarray(law.loss(num_params=size, num_tokens=tokens)) / loss - 1)
    overtrained = (size > 1e9) & (size < 2e9) & (multiplier == 32)
    large = (size > 6e9) & (multiplier == 1)
    assert errors[overtrained] == pytest.approx([0.7103], abs=5.1e-5)
    assert errors[large] == pytest.approx([0.7320], abs=5.1e-5)
