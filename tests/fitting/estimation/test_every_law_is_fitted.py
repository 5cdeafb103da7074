"""Every law class of the package is fitted from default starts to runs of known coefficients."""

import dataclasses

import numpy as np
import pytest

from fitting import Runs, Squares, fit
from jaxlaws import laws, presets
from jaxlaws.foundations.law import coefficient_names, outcomes_of
from jaxlaws.inputs import inputs_of
from jaxlaws.laws.farseer import Farseer

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
}
# Coefficients for the laws that have no preset, near those of their papers.
OWN = {
    "farseer": {
        "a1": -1.6656, "b1": 3.1333, "alpha": 0.0459, "a2": 230.73, "b2": -1.5442, "beta": -0.1729,
        "a3": -0.06247, "b3": 0.12849, "gamma": 0.13,
    },
}  # fmt: skip


def cases():
    """A law of each class with known coefficients; a class without a preset needs an entry."""
    found = {}
    for name in presets.names():
        law = presets.load(name)
        found.setdefault(type(law), law)
    for name, values in OWN.items():
        found[laws.law_types()[name]] = laws.law_types()[name](**values)
    return found


KNOWN = cases()
TYPES = {name: each for name, each in laws.law_types().items() if each in KNOWN}


def simulated(law, seed):
    """Inputs spread over their ranges, and the loss with noise."""
    random = np.random.default_rng(seed)
    inputs = {}
    for name in inputs_of(law):
        low, high = RANGES.get(name, (1e-3, 1.0))
        inputs[name] = np.exp(random.uniform(np.log(low), np.log(high), NUM_RUNS))
    exact = np.asarray(law.loss(**inputs), dtype=np.float64)
    return inputs, exact, exact * np.exp(NOISE * random.normal(size=exact.shape))


def frozen_parts(law):
    """The sub-law of a law of distillation, which has runs of its own."""
    return {
        field.name: getattr(law, field.name)
        for field in dataclasses.fields(law)
        if dataclasses.is_dataclass(getattr(law, field.name))
    }


def ends_at_or_below_the_truth(law, seed):
    inputs, exact, loss = simulated(law, seed)
    runs = Runs.read({**inputs, "loss": loss}, law_type=type(law))
    result = fit(type(law), runs, objective=Squares(), freeze=frozen_parts(law), seed=seed)
    return result.objective <= 0.5 * np.sum((exact - loss) ** 2)


def test_the_cases_cover_the_classes():
    """A class that neither has a preset nor an entry here cannot be tested: add an entry."""
    missing = {each for each in laws.law_types().values() if each not in KNOWN}
    assert {each.__name__ for each in missing} <= {
        # Laws that a user makes for domains of their own; tests of data mixtures fit them.
        "MixingLaw", "LinearMixingLaw",
        # Laws whose fits the tests of their papers repeat.
        "Overtraining", "Precision", "MoEKrajewski", "BrokenPower", "ComputeFloor", "Sparse",
    }, missing  # fmt: skip
    assert Farseer in KNOWN
    assert all(coefficient_names(law) for law in KNOWN.values())
    assert not any(outcomes_of(each) for each in KNOWN)


@pytest.mark.slow
@pytest.mark.parametrize("name", TYPES)
def test_a_fit_from_default_starts_ends_at_or_below_the_truth(name, x64):
    law = KNOWN[TYPES[name]]
    assert np.mean([ends_at_or_below_the_truth(law, seed) for seed in range(100)]) >= 0.99
