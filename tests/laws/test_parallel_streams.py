"""Parallel streams: the formula anew, what its authors publish, and recovery from runs."""

import jax
import numpy as np
import pytest

from fitting import Runs, fit
from jaxlaws import presets
from jaxlaws.laws.further_inputs.parallel_streams import ParallelStreams

pytestmark = pytest.mark.usefixtures("x64")

STACK = presets.load("chen2025_stack")


def test_the_formula_anew():
    size, streams = np.geomspace(1e7, 1e12, 6)[:, None], np.array([1.0, 2.0, 8.0, 64.0])
    expected = 1.288588 + (1.975166e8 / size / (1 + 0.334442 * np.log(streams))) ** 0.1962815
    predicted = presets.load("chen2025_pile").loss(num_params=size, num_streams=streams)
    np.testing.assert_allclose(predicted, expected, rtol=1e-12)


@pytest.mark.parametrize(("streams", "billions"), [(1, 4.33), (2, 3.4), (4, 2.8), (8, 2.38)])
def test_models_that_the_authors_call_equivalent(streams, billions):
    """The web page of the authors gives the loss with five digits and the sizes with three."""
    loss = STACK.loss(num_params=billions * 1e9, num_streams=streams)
    rounding = 0.06 * 0.005 / billions  # the loss falls by 0.06 for each factor of e in the size
    assert float(loss) == pytest.approx(1.01548, abs=5e-6 + rounding)


@pytest.mark.parametrize(("name", "k"), [("chen2025_stack", 0.39), ("chen2025_pile", 0.33)])
def test_the_worth_of_streams_that_the_paper_prints(name, k):
    assert presets.load(name).k == pytest.approx(k, abs=0.005)


def test_endless_streams_leave_the_irreducible_loss():
    value, (by_law, by_streams) = jax.value_and_grad(
        lambda law, streams: law.loss(num_params=1e9, num_streams=streams), (0, 1)
    )(STACK, np.inf)
    assert value == STACK.E
    assert by_law.E == 1
    assert (by_law.A, by_law.alpha, by_law.k, by_streams) == (0, 0, 0, 0)


@pytest.mark.slow
def test_a_fit_recovers_the_law():
    random = np.random.default_rng(0)
    size = 10 ** random.uniform(8.5, 10, 48)
    streams = random.choice([1.0, 2.0, 4.0, 8.0], 48)
    noise = np.exp(1e-4 * random.normal(size=48))
    loss = noise * np.asarray(STACK.loss(num_params=size, num_streams=streams))
    table = {"num_params": size, "num_streams": streams, "loss": loss}
    result = fit(ParallelStreams, Runs.read(table, law_type=ParallelStreams))
    assert result.status.name == "CONVERGED"
    assert result.law.k == pytest.approx(STACK.k, rel=0.02)
    predicted = result.law.loss(num_params=2e10, num_streams=8.0)
    expected = STACK.loss(num_params=2e10, num_streams=8.0)
    assert float(predicted) == pytest.approx(float(expected), rel=1e-3)
