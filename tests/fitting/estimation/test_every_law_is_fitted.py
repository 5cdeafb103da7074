"""Every law class of the package is fitted from default starts to runs of known coefficients."""

import dataclasses

import numpy as np
import pytest

from fitting import Runs, Squares, fit
from jaxlaws import laws, presets
from jaxlaws.inputs import inputs_of

NUM_RUNS, NOISE = 100, 3e-3
RANGES = {
    "num_params": (1e8, 6e9),
    "num_tokens": (2e9, 3e11),
    "num_student_params": (1e8, 6e9),
    "num_student_tokens": (2e9, 3e11),
    "num_unique_tokens": (1e9, 1e11),
    "teacher_loss": (1.9, 2.9),
    "flops": (1e18, 1e23),
    "scale": (1e8, 1e11),
    "num_experts": (2.0, 256.0),
    "granularity": (1.0, 16.0),
    "density": (0.05, 1.0),
    "weight_bits": (3.0, 16.0),
    "activation_bits": (3.0, 16.0),
    "kv_bits": (3.0, 16.0),
    "post_training_bits": (3.0, 8.0),
    "num_nonvocab_params": (1e8, 6e9),
    "num_vocab_params": (1e7, 5e8),
    "num_streams": (1.0, 8.0),
    "learning_rate": (1e-4, 1e-2),
    "batch_size": (3e4, 3e6),
    "rate_sum": (0.1, 10.0),
    "annealed_rate": (0.001, 0.1),
}
# Coefficients for the laws that have no preset: near those of their papers, where they exist.
OWN = {
    "annealing": {"E": 1.6, "A": 0.5, "alpha": 0.5, "B": 400.0, "beta": 0.35, "C": 2.0},
    "broken_power": {"a": 1.5, "b": 40.0, "c0": 0.15, "c": 0.2, "d": 3e9, "f": 0.3},
    "compute_floor": {"E": 1.5, "A": 100.0, "alpha": 0.1},
    "data_mixing": {"c": 1.5, "t": np.array([0.5, 0.1, -0.3])},
    "distillation_exponential": {
        "supervised": presets.load("busbridge2025_supervised"), "A": 9.0, "alpha": 0.11, "B": 6e4,
        "beta": 0.5, "c0": 1.4, "kappa": 1.5, "f1": 0.2,
    },
    "farseer": {
        "a1": -1.6656, "b1": 3.1333, "alpha": 0.0459, "a2": 230.73, "b2": -1.5442, "beta": -0.1729,
        "a3": -0.06247, "b3": 0.12849, "gamma": 0.13,
    },
    "learning_rate_and_batch": {
        "E": 1.7, "A": 480.0, "alpha": 0.35, "B": 2000.0, "beta": 0.37, "rate": 1.79,
        "rate_params": -0.713, "rate_tokens": 0.307, "batch": 0.58, "batch_tokens": 0.571,
        "u": 0.03, "v": 0.02, "s": 0.5,
    },
    "linear_mixing": {"w": np.array([2.0, 3.0, 2.5])},
    "overtraining": {"E": 1.7, "a": 150.0, "b": 300.0, "eta": 0.12},
    "precision": {
        "E": 1.8, "A": 480.0, "alpha": 0.35, "B": 2000.0, "beta": 0.37, "g_w": 2.7, "g_a": 2.2,
        "g_kv": 1.0, "C_T": 0.05, "D_0": 1e10, "g_D": 0.5, "N_0": 1e9, "g_N": 0.5, "g_post": 2.0,
    },
}  # fmt: skip
# Reference values that no runs can separate from an amplitude.
HELD = {"precision": ("D_0", "N_0")}


def cases():
    """A law of known coefficients for each module that defines a law."""
    found = {}
    for name in reversed(presets.names()):
        law = presets.load(name)
        found[type(law)] = law
    types = laws.law_types()
    return {n: types[n](**OWN[n]) if n in OWN else found[each] for n, each in types.items()}


KNOWN = cases()


def simulated(law, seed):
    """Inputs spread over their ranges, and the loss with noise."""
    random = np.random.default_rng(seed)
    inputs = {}
    for name in inputs_of(law):
        low, high = RANGES.get(name, (1e-3, 1.0))
        inputs[name] = np.exp(random.uniform(np.log(low), np.log(high), NUM_RUNS))
    exact = np.asarray(law.loss(**inputs), dtype=np.float64)
    return inputs, exact, exact * np.exp(NOISE * random.normal(size=exact.shape))


def frozen_parts(name):
    """The sub-law of a law of distillation, which has runs of its own, and reference values."""
    law = KNOWN[name]
    fields = [field.name for field in dataclasses.fields(law)]
    subs = [field for field in fields if dataclasses.is_dataclass(getattr(law, field))]
    return {field: getattr(law, field) for field in (*subs, *HELD.get(name, ()))}


def fitted(name, seed):
    """The objective of the true coefficients, and the fit."""
    law = KNOWN[name]
    inputs, exact, loss = simulated(law, seed)
    runs = Runs.read({**inputs, "loss": loss}, law_type=type(law))
    result = fit(type(law), runs, objective=Squares(), freeze=frozen_parts(name), seed=seed)
    return 0.5 * np.sum((exact - loss) ** 2), result


def ends_at_or_below_the_truth(name, seed):
    objective_of_truth, result = fitted(name, seed)
    return result.objective <= objective_of_truth


@pytest.mark.slow
@pytest.mark.parametrize("name", KNOWN)
def test_a_fit_from_default_starts_ends_at_or_below_the_truth(name, x64):
    assert np.mean([ends_at_or_below_the_truth(name, seed) for seed in range(100)]) >= 0.99
