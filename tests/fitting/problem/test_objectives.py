"""Objectives: where their minima are, by SciPy and by hand; weights and clusters of runs."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from by_hand import SIZES, size_columns, taught_columns, values
from laws_of_tests import SizeLaw, TaughtLaw
from scipy.optimize import minimize
from scipy.stats import t as student

from fitting import Huber, Runs, Status, fit
from fitting.estimation.resampling import cluster_weights
from fitting.problem.likelihood import student_t_scale
from fitting.problem.objectives import AsymmetricHuber, LogSquares, Squares, StudentT
from jaxlaws.pytree import Coefficient, positive, pytree
from jaxlaws.trees import register_dataclass

FEW: dict[str, Any] = {"num_starts": 16}
NOISE = 0.02


@pytest.fixture(scope="module")
def sizes():
    columns = size_columns(NOISE)
    ones = {"w": np.geomspace(1, 30, 12), "low": np.geomspace(1, 30, 12) / 1e4}
    return Runs.read(columns | ones | {"bad": [1.0, *[2.0] * 10, -1.0], "t": [*"aabbccddeeff"]})


def huber_by_hand(residuals, delta, over=1.0):
    size = np.abs(residuals)
    cost = np.where(size <= delta, size**2 / 2, delta * (size - delta / 2))
    return np.where(residuals > 0, over, 1.0) * cost


BY_HAND = {
    "asymmetric": (
        AsymmetricHuber(0.01, over=4.0),
        lambda predicted, loss: huber_by_hand(np.log(predicted / loss), 0.01, 4.0),
    ),
    "log squares": (LogSquares(), lambda predicted, loss: np.log(predicted / loss) ** 2 / 2),
    "squares": (Squares(), lambda predicted, loss: (predicted - loss) ** 2 / 2),
    "student": (
        StudentT(0.01, dof=3.0),
        lambda predicted, loss: (
            student.logpdf(0, 3) - student.logpdf(np.log(predicted / loss) / 0.01, 3)
        ),
    ),
}


def size_law(theta):
    E, log_A, alpha = theta
    return E + np.exp(log_A - alpha * np.log(SIZES))


def best_by_scipy(cost, start, weights=1.0):
    """Nelder-Mead, again and again from where it ended: no derivative is trusted."""
    loss = size_columns(NOISE)["loss"]
    options = {"xatol": 1e-10, "fatol": 1e-15, "maxiter": 4000, "maxfev": 4000}

    def descend(theta):
        return minimize(
            lambda th: np.sum(weights * cost(size_law(th), loss)),
            theta,
            method="Nelder-Mead",
            options=options,
        )

    with np.errstate(all="ignore"):
        end = descend(np.array(start))
        for _ in range(5):
            end = descend(end.x)
    return end


@pytest.mark.parametrize("name", BY_HAND)
def test_minima_are_scipys(sizes, name):
    objective, cost = BY_HAND[name]
    result = fit(SizeLaw, sizes, objective=objective, **FEW)
    assert result.status is Status.CONVERGED
    end = best_by_scipy(cost, (1.5, np.log(400), 0.34))
    assert result.objective == pytest.approx(end.fun, rel=1e-9)
    found = values(result)
    assert [found["E"], np.log(found["A"]), found["alpha"]] == pytest.approx(end.x, rel=1e-4)


def test_overestimates_that_cost_more_lower_the_law(sizes):
    """With a cost of k to 1 about one run in 1 + k lies below the law: 12 runs, 3 coefficients."""
    below = []
    for over in (1 / 9, 1.0, 9.0):
        law = fit(SizeLaw, sizes, objective=AsymmetricHuber(1e-4, over), **FEW).law
        below.append(
            int(np.sum(size_columns(NOISE)["loss"] < np.asarray(law.loss(num_params=SIZES))))
        )
    assert below[0] >= 9
    assert 4 <= below[1] <= 8
    assert below[2] <= 3
    even = fit(SizeLaw, sizes, objective=AsymmetricHuber(1e-3, 1.0), **FEW)
    assert values(even) == values(fit(SizeLaw, sizes, objective=Huber(1e-3), **FEW))


def test_the_mean_gives_the_fit_that_the_sum_gives(sizes):
    @register_dataclass
    @dataclasses.dataclass(frozen=True)
    class MeanHuber:
        delta: float = 1e-3

        def residuals(self, predicted, observed):
            return jnp.log(predicted) - jnp.log(observed)

        def costs(self, residuals):
            return Huber(self.delta).costs(residuals) / 12

        def slope(self):
            return self.delta / 12

    mean, total = (fit(SizeLaw, sizes, objective=o, **FEW) for o in (MeanHuber(), Huber(1e-3)))
    assert values(mean) == pytest.approx(values(total), rel=1e-9)
    assert mean.objective == pytest.approx(total.objective / 12, rel=1e-12)


def test_the_scale_of_students_t_is_fitted_with_the_law(sizes):
    result = fit(SizeLaw, sizes, objective=StudentT(scale=None, dof=3.0), bootstrap=4, **FEW)
    scale = result.options.objective.scale
    loss = size_columns(NOISE)["loss"]

    def negative(theta):
        r = np.log(size_law(theta[:3]) / loss)
        return -np.sum(student.logpdf(r / np.exp(theta[3]), 3)) + 12 * theta[3]

    theta = np.array([1.5, np.log(400), 0.34, np.log(0.01)])
    for _ in range(6):
        options = {"xatol": 1e-10, "fatol": 1e-13, "maxiter": 4000, "maxfev": 4000}
        theta = minimize(negative, theta, method="Nelder-Mead", options=options).x
    assert scale == pytest.approx(np.exp(theta[3]), rel=1e-4)
    found = values(result)
    ours = [found["E"], np.log(found["A"]), found["alpha"], np.log(scale)]
    assert negative(np.array(ours)) == pytest.approx(negative(theta), abs=1e-8)
    with pytest.raises(ValueError, match="above zero, got 0"):
        fit(SizeLaw, sizes, objective=StudentT(scale=None, dof=0), **FEW)


def test_the_scale_of_students_t_counts_runs_by_their_weights():
    columns = size_columns(NOISE)
    twice = {name: np.concatenate([values, values[:4]]) for name, values in columns.items()}
    columns["w"] = np.where(np.arange(12) < 4, 2.0, 1.0)
    free = StudentT(scale=None, dof=3.0)
    weighted = fit(SizeLaw, Runs.read(columns), objective=free, weights="w", **FEW)
    repeated = fit(SizeLaw, Runs.read(twice), objective=free, **FEW)
    scales = [each.options.objective.scale for each in (weighted, repeated)]
    assert scales[0] == pytest.approx(scales[1], rel=1e-5)
    assert pytest.approx(repeated.law.E, rel=1e-6) == weighted.law.E


def test_a_scale_that_is_not_fitted_yet_is_reported():
    with pytest.raises(ValueError, match=r"result\.options\.objective"):
        StudentT(scale=None).costs(np.ones(2))
    with pytest.raises(ValueError, match="no scale to fit"):
        student_t_scale(np.array([0.0] * 9 + [1.0]), np.ones(10), dof=4.0)


def test_weights_are_those_of_the_sum(sizes):
    weighted = fit(SizeLaw, sizes, objective=LogSquares(), weights="w", **FEW)
    _, cost = BY_HAND["log squares"]
    weights = np.geomspace(1, 30, 12)
    end = best_by_scipy(cost, (1.5, np.log(400), 0.34), weights / weights.mean())
    assert weighted.objective == pytest.approx(end.fun, rel=1e-9)
    assert values(weighted)["alpha"] == pytest.approx(end.x[2], rel=1e-4)
    # Only their ratios count.
    again = fit(SizeLaw, sizes, objective=LogSquares(), weights="low", **FEW)
    assert values(again) == pytest.approx(values(weighted), rel=1e-9)
    for column, message in (
        ("bad", "row 12 of column 'bad' has -1"),
        ("t", "row 1 of column 't' has a"),
        ("ww", "did you mean 'w'"),
    ):
        with pytest.raises(ValueError, match=message):
            fit(SizeLaw, sizes, weights=column, **FEW)


@pytree
class Level:
    """`loss = E`, whatever the size: its least-squares fit in logs is the geometric mean."""

    E: Coefficient = positive()

    input_names = ("num_params",)

    def loss(self, *, num_params):
        return self.E + 0.0 * num_params


def test_cluster_bootstrap_of_a_mean_is_known_in_closed_form():
    """The variance of the mean of G group means drawn with replacement is theirs over G."""
    rng = np.random.default_rng(5)
    shift = np.repeat(0.05 * rng.normal(size=8), 4)
    log_loss = 1 + shift + 0.002 * rng.normal(size=32)
    runs = Runs.read(
        {"num_params": np.geomspace(1e6, 1e9, 32), "loss": np.exp(log_loss),
         "training": [f"t{i // 4}" for i in range(32)]}
    )  # fmt: skip
    options: dict[str, Any] = {"objective": LogSquares(), "num_starts": 4, "bootstrap": 2000}
    clustered = fit(Level, runs, cluster="training", **options)
    means = log_loss.reshape(8, 4).mean(axis=1)
    spread = np.log(clustered.usable_ensemble().E)
    assert spread.std() == pytest.approx(np.sqrt(means.var() / 8), rel=0.05)
    alone = np.log(fit(Level, runs, **options).usable_ensemble().E)
    assert alone.std() == pytest.approx(np.sqrt(log_loss.var() / 32), rel=0.05)
    assert spread.std() > 1.8 * alone.std()  # siblings are no independent runs
    # Replicates are exact: the mean of their own tables.
    weights = cluster_weights(runs.groups("training"), 2000, seed=0)
    np.testing.assert_allclose(spread, weights @ log_loss / weights.sum(axis=1), rtol=1e-7)


def test_clusters_of_both_stages():
    columns = taught_columns() | {"training": [f"t{i // 3}" for i in range(30)]}
    result = fit(TaughtLaw, Runs.read(columns), bootstrap=16, cluster="training", **FEW)
    assert np.ptp(result.usable_ensemble().alone.alpha) > 0
    with pytest.raises(ValueError, match="column 'mixture'"):
        fit(TaughtLaw, Runs.read(columns), bootstrap=16, cluster="mixture", **FEW)
    with pytest.raises(ValueError, match="in one group"):
        fit(SizeLaw, Runs.read(size_columns() | {"g": [1] * 12}), bootstrap=8, cluster="g", **FEW)


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_least_squares_do_not_depend_on_the_unit_of_the_outcomes(sizes, unit):
    columns = size_columns(NOISE)
    other = Runs.read(columns | {"loss": columns["loss"] * unit})
    plain, scaled = (fit(SizeLaw, each, objective=Squares(), **FEW) for each in (sizes, other))
    assert scaled.status is plain.status is Status.CONVERGED
    assert scaled.objective == pytest.approx(plain.objective * unit**2, rel=1e-9)
    assert scaled.law.E / unit == pytest.approx(float(plain.law.E), rel=1e-6)
    assert scaled.law.alpha == pytest.approx(plain.law.alpha, rel=1e-6)


def test_the_scale_of_least_squares_follows_from_the_outcomes():
    """Usual losses, of 1 to 9 nats, have the scale 0.01."""
    assert Squares().slope() == Squares().scaled_to(np.array([1.0, 2.0, 9.0, 0.0])).scale == 0.01
    assert Squares().scaled_to(np.full(3, -3e4)).scale == 1e6
    assert Squares(0.5).scaled_to(np.full(3, 3e4)).scale == 0.5
    assert Squares().scaled_to(np.zeros(3)).scale is None
