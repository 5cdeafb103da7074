"""Properties of every fit: units, frozen coefficients, stages, user-defined laws, statuses."""

import dataclasses

import numpy as np
import pytest
from by_hand import (
    SIZES,
    TRUTH,
    chinchilla,
    chinchilla_objective,
    huber_sum,
    simulated_columns,
    size_columns,
    taught_columns,
    to_theta,
    values,
)
from laws_of_tests import SizeLaw, TaughtLaw, WrongUnit

from fitting import FitResult, Huber, Runs, Status, fit
from jaxlaws.foundations.errors import DataError, NotSolvedError
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.laws.distillation_limit import DistillationLimit
from jaxlaws.trees import register_dataclass


@pytest.fixture(scope="module")
def sizes():
    return Runs.read(size_columns(), law_type=SizeLaw)


@pytest.fixture(scope="module")
def size_fit(sizes):
    return fit(SizeLaw, sizes, bootstrap=64)


@pytest.fixture(scope="module")
def taught():
    return Runs.read(taught_columns(), law_type=TaughtLaw)


def test_noise_free_runs_give_the_law_back():
    runs = Runs.read(simulated_columns(0.0))
    result = fit(Chinchilla, runs)
    assert result.status is Status.CONVERGED
    for name, value in values(result).items():
        assert value == pytest.approx(getattr(TRUTH, name), rel=1e-7), name


def test_the_unit_of_sizes_does_not_matter(simulated, simulated_fit):
    columns = simulated_columns(5e-3)
    in_billions = columns | {"num_params": columns["num_params"] / 1e9}
    result = fit(Chinchilla, Runs.read(in_billions))
    assert result.objective == pytest.approx(simulated_fit.objective, rel=1e-12)
    old, new = values(simulated_fit), values(result)
    assert new["A"] == pytest.approx(old["A"] / 1e9 ** old["alpha"], rel=1e-7)
    for name in ("E", "alpha", "B", "beta"):
        assert new[name] == pytest.approx(old[name], rel=1e-7), name
    predicted = chinchilla(new, in_billions["num_params"], columns["num_tokens"])
    before = chinchilla(old, columns["num_params"], columns["num_tokens"])
    np.testing.assert_allclose(predicted, before, rtol=1e-9)


def test_the_order_of_runs_does_not_matter(simulated, simulated_fit):
    order = np.random.default_rng(0).permutation(210)
    columns = {name: cells[order] for name, cells in simulated_columns(5e-3).items()}
    result = fit(Chinchilla, Runs.read(columns))
    for name, value in values(result).items():
        assert value == pytest.approx(values(simulated_fit)[name], rel=1e-6), name


def test_seeds_change_the_starts_and_not_the_fit(simulated, simulated_fit):
    other = fit(Chinchilla, simulated, seed=7)
    assert not np.array_equal(other.objective_by_start, simulated_fit.objective_by_start)
    assert other.objective == pytest.approx(simulated_fit.objective, rel=1e-12)
    again = fit(Chinchilla, simulated)
    assert values(again) == values(simulated_fit)


def test_objectives_change_without_a_new_program(simulated):
    """A wide Huber is least squares of log residuals, which SciPy's optimum confirms."""
    result = fit(Chinchilla, simulated, objective=Huber(10.0))
    cost, gradient = chinchilla_objective(simulated, delta=10.0)(to_theta(values(result)))
    assert result.objective == pytest.approx(cost * 10.0, rel=1e-10)
    assert np.linalg.norm(gradient) < 1e-6


def test_a_frozen_coefficient_stays_and_the_rest_is_the_optimum_beside_it(simulated):
    result = fit(Chinchilla, simulated, freeze={"E": 1.7})
    assert float(result.law.E) == 1.7
    assert result.frozen == ("E",)
    assert result.identifiability.names == ("A", "alpha", "B", "beta")
    _, gradient = chinchilla_objective(simulated)(to_theta(values(result)))
    assert np.linalg.norm(gradient[1:]) < 1e-6
    assert abs(gradient[0]) > 1  # E itself would move


@pytest.mark.parametrize(
    ("freeze", "error", "message"),
    [
        ({"F": 1.0}, ValueError, "no coefficient 'F'.*E, A, alpha, B, beta"),
        ({"alpa": 1.0}, ValueError, "did you mean 'alpha'"),
        ({"E": -1.0}, ValueError, "expected a positive number"),
        ({"E": float("nan")}, ValueError, "expected a positive number"),
        ({"E": "1.7"}, TypeError, "expected a number"),
        ({"E": TRUTH}, TypeError, "expected a number"),
        (dict(zip(("E", "A", "alpha", "B", "beta"), [1.0] * 5, strict=True)), ValueError, "every"),
    ],
)
def test_what_cannot_be_frozen(simulated, freeze, error, message):
    with pytest.raises(error, match=message):
        fit(Chinchilla, simulated, freeze=freeze)


@pytest.mark.parametrize(
    ("law_type", "options", "error", "message"),
    [
        (TRUTH, {}, TypeError, "the class of a law"),
        (dict, {}, TypeError, "the class of a law"),
        (Chinchilla, {"objective": 1e-3}, TypeError, r"such as Huber\(1e-3\)"),
        (Chinchilla, {"objective": Huber}, TypeError, "objective"),
        (Chinchilla, {"num_starts": 0}, ValueError, "num_starts"),
        (Chinchilla, {"bootstrap": -1}, ValueError, "bootstrap"),
        (Chinchilla, {"bootstrap": 2.5}, ValueError, "bootstrap"),
    ],
)
def test_wrong_calls(simulated, law_type, options, error, message):
    with pytest.raises(error, match=message):
        fit(law_type, simulated, **options)


def test_a_law_of_the_users_own(sizes, size_fit):
    assert size_fit.status is Status.CONVERGED
    assert size_fit.starts_agreeing == 1.0
    assert values(size_fit)["alpha"] == pytest.approx(0.34, abs=0.005)
    assert size_fit.fitted_range == {"num_params": (1e6, 1e9)}


def test_a_law_with_wrong_units_is_refused(sizes):
    with pytest.raises(TypeError, match="WrongUnit declares units"):
        fit(WrongUnit, sizes)


def test_a_coefficient_at_the_edge_of_its_domain_is_reported(size_fit):
    result = fit(SizeLaw, Runs.read(size_columns(E=0.0), law_type=SizeLaw))
    assert result.status is Status.ON_BOUND
    assert float(result.law.E) < 1e-6
    assert any("not distinguish E from 0" in note for note in result.warnings)
    # The other coefficients are those of the law without E: a line through the logs.
    slope = np.polyfit(np.log(SIZES), np.log(size_columns(E=0.0)["loss"]), 1)[0]
    assert values(result)["alpha"] == pytest.approx(-slope, abs=1e-3)


def test_an_exponent_without_end_leaves_finite_coefficients():
    """A jump of the loss between two close sizes needs an exponent at which A would overflow."""
    sizes = 1e8 * 1.06 ** np.arange(12)
    scatter = np.exp(1e-3 * np.random.default_rng(0).normal(size=12))
    runs = {"num_params": sizes, "loss": np.where(sizes == sizes[0], 3.0, 2.0) * scatter}
    result = fit(SizeLaw, Runs.read(runs, law_type=SizeLaw))
    found = values(result)
    assert all(np.isfinite(value) for value in found.values())
    assert found["alpha"] > 20
    predicted = found["E"] + np.exp(np.log(found["A"]) - found["alpha"] * np.log(sizes))
    objective = np.log(predicted) - np.log(runs["loss"])
    assert result.objective == pytest.approx(huber_sum(objective, 1e-3), rel=1e-6)


def test_runs_of_one_size_leave_a_direction_flat():
    """The runs do not determine E and A / N**alpha separately, and the status reports this."""
    scatter = np.random.default_rng(0).normal(size=12)
    with pytest.warns(UserWarning, match="num_params has 1 level"):
        runs = Runs.read(
            {"num_params": np.full(12, 1e7), "loss": 3 + 0.01 * scatter}, law_type=SizeLaw
        )
    result = fit(SizeLaw, runs, throw=True)
    assert result.status is Status.FLAT_DIRECTION
    assert any("1 level" in warning for warning in result.warnings)
    predicted = np.asarray(result.law.loss(num_params=1e7))
    assert predicted == pytest.approx(np.median(runs.loss), abs=0.01)


def test_a_law_that_gives_no_finite_loss_is_reported(sizes):
    @dataclasses.dataclass(frozen=True)
    class Nowhere:
        E: float

        input_names = ("num_params",)

        def loss(self, *, num_params):
            return self.E * num_params * np.nan

    register_dataclass(Nowhere, data_fields=["E"], meta_fields=[])
    with pytest.raises(NotSolvedError, match="NON_FINITE") as caught:
        fit(Nowhere, sizes, num_starts=4, throw=True)
    partial = caught.value.partial
    assert isinstance(partial, FitResult)
    assert partial.status is Status.NON_FINITE
    assert not np.isfinite(partial.objective)


def test_two_stages_are_the_two_fits_one_after_the_other(taught, sizes, size_fit):
    result = fit(TaughtLaw, taught)
    assert (result.num_runs, result.num_left) == (18, 12)
    alone = result.stages["alone"]
    assert values(alone) == pytest.approx(values(size_fit), rel=1e-9)
    assert float(result.law.alone.alpha) == float(alone.law.alpha)
    again = fit(TaughtLaw, taught, freeze={"alone": size_fit.law})
    assert values(again) == pytest.approx(values(result), rel=1e-7)
    assert values(result)["weight"] == pytest.approx(0.4, abs=0.01)
    assert values(result)["shift"] == pytest.approx(-0.1, abs=0.02)


def test_a_coefficient_of_the_first_stage_may_be_frozen(taught):
    result = fit(TaughtLaw, taught, freeze={"alone.E": 1.5})
    assert float(result.law.alone.E) == 1.5
    assert result.stages["alone"].frozen == ("E",)


def test_each_replicate_is_paired_with_one_of_the_first_stage(taught, size_fit):
    result = fit(TaughtLaw, taught, freeze={"alone": size_fit}, bootstrap=64)
    draws = size_fit.usable_ensemble()
    paired = result.usable_ensemble()
    np.testing.assert_array_equal(paired.alone.E, draws.E)
    fixed = fit(TaughtLaw, taught, freeze={"alone": size_fit.law}, bootstrap=64).usable_ensemble()
    assert np.ptp(fixed.alone.E) == 0
    # The uncertainty of the first stage is carried on.
    assert np.std(paired.shift) > 1.05 * np.std(fixed.shift)


def test_a_first_stage_without_runs_asks_for_freeze(taught):
    distilled = taught.where(taught.loss > 0)
    alone = Runs.read(
        {name: distilled.inputs[name] for name in TaughtLaw.input_names} | {"loss": distilled.loss},
        law_type=TaughtLaw,
    )
    with pytest.raises(DataError, match=r"freeze=\{'alone': a law\}"):
        fit(TaughtLaw, alone)


@pytest.mark.parametrize("given", [TRUTH, 1.5, Chinchilla])
def test_a_sub_law_must_be_a_law_of_its_inputs(taught, given):
    with pytest.raises(TypeError, match="expected a law of num_params such as SizeLaw"):
        fit(TaughtLaw, taught, freeze={"alone": given})


def test_both_a_sub_law_and_its_coefficients(taught, size_fit):
    with pytest.raises(ValueError, match="or its coefficients, not both"):
        fit(TaughtLaw, taught, freeze={"alone": size_fit.law, "alone.E": 1.0})


def test_a_distillation_law_asks_for_distilled_runs(simulated):
    with pytest.raises(DataError, match="num_student_params"):
        fit(DistillationLimit, simulated, freeze={"supervised": TRUTH})
