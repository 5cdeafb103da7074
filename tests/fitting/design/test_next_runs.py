"""The choice of further runs, compared with closed forms, brute force and simulated fits."""

import itertools

import jax
import numpy as np
import pytest
from laws_of_tests import SizeLaw

from fitting import LogSquares, Runs, Status, fit, fit_as_function, next_runs
from fitting.design.knowledge import Knowledge
from fitting.design.noise_by_cost import noise_of_fit
from fitting.uncertainty.refit_problem import FitProblem
from jaxlaws import presets
from jaxlaws.laws.kaplan import Kaplan
from jaxlaws.precision import float64

RANDOM = np.random.default_rng(5)
SIZES = np.tile(np.geomspace(1e7, 1e9, 5), 3)
TOKENS = np.repeat([1e9, 8e9, 6e10], 5)
TRUTH = presets.load("kaplan2020")
NOISE = 0.003
BOUNDS = {"num_params": (1e7, 1e10), "num_tokens": (1e9, 1e12)}


def losses_at(sizes, tokens):
    return np.asarray(TRUTH.loss(num_params=sizes, num_tokens=tokens))


def table(sizes=SIZES, tokens=TOKENS, losses=None):
    if losses is None:
        noise = np.random.default_rng(1).normal(size=len(sizes))
        losses = losses_at(sizes, tokens) * np.exp(NOISE * noise)
    return Runs.read({"num_params": sizes, "num_tokens": tokens, "loss": losses})


@pytest.fixture(scope="module")
def runs():
    return table()


@pytest.fixture(scope="module")
def result(runs):
    return fit(Kaplan, runs, objective=LogSquares(), num_starts=16)


def ratio(law):
    return law.alpha_N / law.alpha_D


@pytest.mark.slow
def test_the_expected_variance_is_that_of_simulated_fits(result, runs):
    candidates = {"num_params": [1e7, 2e9, 5e9], "num_tokens": [3e11, 2e10, 8e9]}
    found = next_runs(result, runs, flops=1e30, quantity=ratio, candidates=candidates, num_runs=3)
    sizes = np.concatenate([SIZES, found.inputs["num_params"]])
    tokens = np.concatenate([TOKENS, found.inputs["num_tokens"]])
    exact = np.asarray(result.law.loss(num_params=sizes, num_tokens=tokens))
    whole = table(sizes, tokens, exact * np.exp(1e-6 * np.cos(np.arange(len(sizes)))))
    f = fit_as_function(fit(Kaplan, whole, objective=LogSquares(), num_starts=8), whole)
    for num, sd in ((len(SIZES), found.sd), (len(sizes), found.sd_after[-1])):
        normal = np.random.default_rng(0).normal(size=(300, len(sizes)))
        weights = np.where(np.arange(len(sizes)) < num, 1.0, 0.0)
        noisy = exact * np.exp(float(found.noise[0]) * normal)
        with float64():
            values = np.asarray(
                jax.jit(jax.vmap(lambda losses, w=weights: ratio(f(losses, w))))(noisy)
            )
        # The standard deviation of 300 values is known to 4%.
        assert float(np.std(values)) == pytest.approx(sd, rel=0.15)


def test_the_choice_from_a_pool_is_near_the_best_of_all_pairs(result, runs):
    random = np.random.default_rng(2)
    candidates = {
        "num_params": np.exp(random.uniform(np.log(1e7), np.log(1e10), 12)),
        "num_tokens": np.exp(random.uniform(np.log(1e9), np.log(1e11), 12)),
    }
    region = {"num_params": [3e10, 6e10], "num_tokens": [6e11, 6e11]}
    every = {
        pair: next_runs(
            result,
            runs,
            flops=1e30,
            region=region,
            candidates={name: values[list(pair)] for name, values in candidates.items()},
            num_runs=2,
        ).sd_after[-1]
        for pair in itertools.islice(itertools.combinations(range(12), 2), 0, None, 3)
    }
    found = next_runs(result, runs, flops=1e30, region=region, candidates=candidates, num_runs=2)
    assert found.sd_after[-1] <= 1.02 * min(every.values())
    assert found.places is not None
    np.testing.assert_array_equal(
        found.inputs["num_params"], candidates["num_params"][found.places]
    )


@pytest.mark.parametrize("order", ["joint", "greedy"])
def test_limits_of_a_free_design(result, runs, order):
    shapes = [2e7, 1e8, 5e8, 2e9, 8e9]
    found = next_runs(
        result,
        runs,
        flops=1e21,
        quantity=ratio,
        num_runs=4,
        order=order,
        bounds=BOUNDS,
        largest_run=3e20,
        shapes=shapes,
    )
    assert found.costs.sum() <= 1e21 * (1 + 1e-9)
    assert found.costs.max() <= 3e20 * (1 + 1e-9)
    assert set(np.round(found.inputs["num_params"], -3)) <= set(shapes)
    for name, (low, high) in BOUNDS.items():
        assert np.all((found.inputs[name] >= low * 0.999) & (found.inputs[name] <= high * 1.001))
    assert np.all(np.diff([found.sd, *found.sd_after]) < 0)


def test_the_tokens_per_parameter_of_a_free_design_are_bounded(result, runs):
    """Each input alone may be 3 times outside the runs; few tokens on large models may not."""
    most = {"flops": 1e21, "quantity": ratio, "num_runs": 4, "bounds": BOUNDS}
    ratios = TOKENS / SIZES
    found = next_runs(result, runs, **most)
    ours = found.inputs["num_tokens"] / found.inputs["num_params"]
    # Inputs are rounded to four digits.
    assert ratios.min() / 3 * 0.998 <= ours.min()
    assert ours.max() <= ratios.max() * 3 * 1.002
    narrow = next_runs(
        result, runs, **(most | {"bounds": BOUNDS | {"tokens_per_param": (20.0, 200.0)}})
    )
    ours = narrow.inputs["num_tokens"] / narrow.inputs["num_params"]
    assert 20 * 0.998 <= ours.min() <= ours.max() <= 200 * 1.002
    assert narrow.sd_after[-1] > found.sd_after[-1]


def test_a_free_design_has_round_numbers_and_says_what_to_know(result, runs, tmp_path):
    # The sizes of 1e7 to 2e7 pay for a small part of the budget.
    bounds = {"num_params": (1e7, 2e7), "num_tokens": (1e9, 2e9)}
    found = next_runs(result, runs, flops=1e21, quantity=ratio, num_runs=4, bounds=bounds)
    said = " ".join(found.remarks())
    rows = np.stack([found.inputs["num_params"], found.inputs["num_tokens"]], axis=1)
    assert len(np.unique(rows, axis=0)) < 4
    assert "listed several times: train each copy with another seed" in said
    assert "of the budget of 1e21 is used" in said
    assert f"from {found.sd:.3g} now to" in said
    assert f"{found.sd_after[-1]:.3g} after all of the cost" in said
    assert np.array([[float(f"{each:.4g}") for each in row] for row in rows]) == pytest.approx(
        rows, rel=1e-12
    )
    assert found.costs == pytest.approx(6 * rows[:, 0] * rows[:, 1], rel=1e-12)
    found.write(tmp_path / "runs.csv")
    assert "." not in (tmp_path / "runs.csv").read_text().splitlines()[1].rsplit(",", 2)[0]


def test_no_run_of_a_capped_design_has_a_better_place(result, runs):
    """Gradients alone ended in designs that a single exchange of a run made much better."""
    budget, shapes = 1e21, [1e7, 3e7, 1e8, 3e8, 1e9, 3e9]
    found = next_runs(
        result,
        runs,
        flops=budget,
        quantity=ratio,
        num_runs=8,
        bounds=BOUNDS,
        largest_run=budget / 5,
        shapes=shapes,
    )
    sizes, tokens = (np.ravel(each) for each in np.meshgrid(shapes, np.geomspace(1e9, 1e12, 25)))
    costs = 6 * sizes * tokens
    grid = {"num_params": sizes, "num_tokens": tokens}
    with float64():
        problem = FitProblem.of(result, runs, has_likelihood=False)
        noise = noise_of_fit(problem, result, runs, 6 * SIZES * TOKENS, varies=False)
        known = Knowledge.of(problem, noise, 6 * SIZES * TOKENS, ratio, None, 7, 0)
        chosen, more = (
            np.asarray(known.information_of(*each))
            for each in ((found.inputs, found.costs), (grid, costs))
        )
        (ours,) = known.relative_variances(chosen.sum(axis=1, keepdims=True))
        for place, cost in enumerate(found.costs):
            others = np.delete(chosen, place, axis=1).sum(axis=1, keepdims=True)
            left = min(budget - (found.costs.sum() - cost), budget / 5)
            variances = np.asarray(known.relative_variances(others + more))
            assert ours <= 1.02 * variances[costs <= left].min()


def test_a_fit_on_the_edge_of_a_domain():
    """The floor of a pure power is not known: laws around the fit stay near it."""
    sizes = np.geomspace(1e7, 1e10, 12)
    runs = Runs.read({"num_params": sizes, "loss": 6 * sizes**-0.05 * (1 + 1e-3 * np.sin(sizes))})
    result = fit(SizeLaw, runs, objective=LogSquares(), num_starts=16)
    assert result.status is Status.ON_BOUND
    found = next_runs(
        result,
        runs,
        flops=1e11,
        quantity=lambda law: law.loss(num_params=1e11),
        num_runs=3,
        cost=lambda *, num_params: num_params,
    )
    assert 0 < found.sd_after[-1] < found.sd < 0.1 * found.value


def test_a_design_is_better_than_random_runs_of_its_cost(result, runs):
    budget, random = 1e21, np.random.default_rng(0)
    found = next_runs(result, runs, flops=budget, quantity=ratio, num_runs=4, bounds=BOUNDS)
    for _ in range(20):
        sizes = np.exp(random.uniform(np.log(1e7), np.log(1e10), 4))
        tokens = np.clip(budget / 4 / (6 * sizes), 1e9, 1e12)
        other = next_runs(
            result,
            runs,
            flops=1e30,
            quantity=ratio,
            num_runs=4,
            candidates={"num_params": sizes, "num_tokens": tokens},
        )
        assert found.sd_after[-1] < other.sd_after[-1]
    two = next_runs([result, result], runs, flops=budget, quantity=ratio, num_runs=4, bounds=BOUNDS)
    assert two.sd_after[-1] == pytest.approx(found.sd_after[-1], rel=0.02)


def test_regret(result, runs):
    candidates = {"num_params": [1e7, 3e9], "num_tokens": [3e11, 2e10]}
    found = next_runs(result, runs, flops=1e21, plan_flops=1e23, candidates=candidates)
    assert found.regret is not None
    assert 0 < found.regret.nats[1] < found.regret.nats[0]
    assert 0 < found.regret.flops[1] < found.regret.flops[0] < 1e23
    assert found.interval[0] < found.expected_interval[0] < found.value
    small = next_runs(result, runs, flops=1e21, plan_flops=1e19, candidates=candidates)
    assert small.train_no_more
    assert "Train no more" in repr(small)


def test_the_table_of_runs_is_read_again(result, runs, tmp_path):
    candidates = {
        "num_params": [1e7, 1e8, 1e9, 3e9, 2e8],
        "num_tokens": [3e11, 2e10, 1e10, 3e10, 2e11],
    }
    found = next_runs(result, runs, flops=1e30, quantity=ratio, candidates=candidates)
    path = tmp_path / "runs_to_train.csv"
    found.write(path)
    filled = path.read_text().replace(",\n", ",2.5\n").replace(",\r\n", ",2.5\r\n")
    path.write_text(filled)
    again = Runs.read(path)
    np.testing.assert_allclose(again.inputs["num_params"], found.inputs["num_params"])
    assert again.loss.tolist() == [2.5] * 5
    assert len(found.sd_by_budget()) == 11
    assert found.sd_by_budget()[-1] == pytest.approx(found.sd_after[-1])


def test_mistakes(result, runs):
    region = {"num_params": [1e10], "num_tokens": [1e11]}
    for change, words in (
        ({}, "what the runs are to tell"),
        ({"quantity": ratio, "region": region}, "not both"),
        ({"region": {"num_params": [1e10]}}, "region: expected the inputs"),
        ({"quantity": ratio, "flops": 1.0}, "do not pay.*fewer runs .num_runs; --runs on"),
        ({"quantity": ratio, "bounds": {"num_parms": (1, 2)}}, "no input 'num_parms'"),
        ({"quantity": ratio, "bounds": {"num_params": (2, 1)}}, "bounds of num_params"),
        ({"quantity": ratio, "bounds": {"tokens_per_param": (1e9, 2e9)}}, "allow no run with"),
        ({"quantity": ratio, "shapes": [1.0]}, "no size is between"),
        ({"quantity": ratio, "flops": np.nan}, "flops: expected"),
    ):
        with pytest.raises(ValueError, match=words):
            next_runs(result, runs, **({"flops": 1e21} | change))
