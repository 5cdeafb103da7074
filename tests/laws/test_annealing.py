"""Training curves with annealing: the sums by two loops, the formula anew, an unfinished run."""

import numpy as np
import pytest

from fitting import LogSquares, Runs, fit
from jaxlaws.laws.further_inputs.annealing import LearningRateAnnealing, annealing_inputs

pytestmark = pytest.mark.usefixtures("x64")

LAW = LearningRateAnnealing(E=1.6, A=0.5, alpha=0.5, B=400.0, beta=0.35, C=2.0)
STEPS, PEAK, MOMENTUM = 2000, 1e-3, 0.99


def cosine(num=STEPS):
    rise, fall = (
        np.arange(1, 101) / 100,
        0.1 + 0.45 * (1 + np.cos(np.linspace(0, np.pi, num - 100))),
    )
    return PEAK * np.concatenate([rise, fall])


def stable_then_decay(num=STEPS):
    rise, fall = np.arange(1, 101) / 100, np.linspace(1, 0.05, num // 5)
    return PEAK * np.concatenate([rise, np.ones(num - 100 - num // 5), fall])


def test_the_sums_by_two_loops():
    rates, momentum = cosine(160), 0.9
    peak = int(rates.argmax())
    first, second = [], []
    for i in range(len(rates)):
        first.append(sum(rates[: i + 1]))
        second.append(
            sum(
                (rates[k - 1] - rates[k]) * momentum ** (j - k)
                for j in range(i + 1)
                for k in range(peak + 1, j + 1)
            )
        )
    found = annealing_inputs(rates, momentum)
    np.testing.assert_allclose(found["rate_sum"], first, rtol=1e-12)
    np.testing.assert_allclose(found["annealed_rate"], second, rtol=1e-12, atol=1e-18)


def test_the_formula_anew():
    size, total, fallen = np.array([1e7, 1e8]), np.array([0.4, 1.5]), np.array([0.0, 0.05])
    expected = 1.6 + 0.5 / total**0.5 + 400 / size**0.35 - 2 * fallen
    predicted = LAW.loss(num_params=size, rate_sum=total, annealed_rate=fallen)
    np.testing.assert_allclose(predicted, expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("rates", "momentum", "message"),
    [
        ([0.0, 0.0], 0.9, "some of them above 0"),
        ([1.0, -1.0], 0.9, "zero or more"),
        ([[1.0]], 0.9, "zero or more"),
        ([1.0], 1.0, "from 0 to below 1, got 1.0"),
    ],
)
def test_mistakes_are_explained(rates, momentum, message):
    with pytest.raises(ValueError, match=message):
        annealing_inputs(rates, momentum)


@pytest.mark.slow
def test_an_unfinished_run():
    """The loss at the end of a schedule, from other runs and the run before its annealing."""
    random, columns = np.random.default_rng(2), []
    for run, size in enumerate([1e7, 3e7, 1e8]):
        for kind, rates in enumerate([cosine(), stable_then_decay()]):
            inputs = annealing_inputs(rates, MOMENTUM)
            last = int(0.7 * STEPS) if (run, kind) == (2, 1) else STEPS
            shown = np.arange(200, last, 60)
            parts = [inputs["rate_sum"][shown], inputs["annealed_rate"][shown]]
            columns.append([np.full(len(shown), size), *parts, np.full(len(shown), 2 * run + kind)])
    size, total, fallen, run = np.concatenate(columns, axis=1)
    loss = LAW.loss(num_params=size, rate_sum=total, annealed_rate=fallen)
    loss = np.asarray(loss) * (1 + 0.002 * random.normal(size=len(size)))
    table = {"num_params": size, "rate_sum": total, "annealed_rate": fallen, "loss": loss}
    runs = Runs.read(table | {"run": run}, law_type=LearningRateAnnealing)
    result = fit(
        LearningRateAnnealing, runs, objective=LogSquares(), num_starts=64, bootstrap=64,
        cluster="run",
    )  # fmt: skip
    ends = annealing_inputs(stable_then_decay(), MOMENTUM)
    at_end = {name: values[-1] for name, values in ends.items()}

    def final_loss(law):
        return law.loss(num_params=1e8, **at_end)

    expected, now = float(final_loss(LAW)), float(loss[-1])
    assert float(final_loss(result.law)) == pytest.approx(expected, rel=2e-3)
    assert now - expected > 0.05  # annealing is worth far more than this error
    low, high = result.interval_of(final_loss, 0.98)
    assert low < expected < high
    assert high - low < 0.05
