"""Optax alone, without the Newton steps, also reaches the optimum of a fit, only more slowly."""

import numpy as np
import pytest

from fitting import Huber
from fitting.minimiser.multi_start import search_batch
from fitting.problem.batched_problem import Batch, BatchedProblem, pad_rows
from fitting.problem.centring import centre_inputs, scales_of
from fitting.problem.parameters import Parameters
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.precision import float64


@pytest.mark.slow
def test_adam_alone_comes_within_a_thousandth_of_the_optimum(hoffmann_fit):
    runs, result = hoffmann_fit
    inputs = {name: runs.inputs[name] for name in Chinchilla.input_names}
    scales = scales_of(inputs, Chinchilla)
    problem = BatchedProblem(
        parameters=Parameters.of(Chinchilla, {}),
        objective=Huber(1e-3),
        inputs={name: pad_rows(each) for name, each in centre_inputs(inputs, scales).items()},
        observed=pad_rows(runs.loss),
        scales=scales,
    )
    vectors = np.random.default_rng(1).normal(size=(64, 5))
    weights = np.tile(pad_rows(np.ones(len(runs)), fill=0.0), (64, 1))
    with float64():
        _, costs = search_batch(problem, Batch(vectors, weights, {}), 1000)
    lowest = costs.min() * 1e-3
    assert result.objective * (1 - 1e-9) <= lowest <= result.objective * 1.001
    # This is not the luck of one start: most starts get as far.
    assert np.median(costs) * 1e-3 <= result.objective * 1.001
