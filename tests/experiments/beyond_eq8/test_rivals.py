"""Every rival is Eq. 8 again where its own coefficients are zero, and the shipped one the law."""

import dataclasses

import jax
import numpy as np
import pytest

from experiments.beyond_eq8.rivals import RIVALS
from jaxlaws import presets
from jaxlaws.laws.distillation_limit import DistillationLimit

INPUTS = {
    "num_student_params": np.array([2e8, 1e9, 5e9]),
    "num_student_tokens": np.array([5e9, 5e10, 2e11]),
    "teacher_loss": np.array([2.9, 2.3, 1.9]),
}


@pytest.mark.slow
def test_rivals_hold_eq_8_and_the_shipped_law(x64):
    law = presets.load("busbridge2025_beyond")
    own = {field.name: getattr(law, field.name) for field in dataclasses.fields(law)}
    nested = {
        name: {key: own.get(key, 0.0) if key != "w" else 0.0 for key in fields_of(rival)}
        for name, rival in RIVALS.items()
    }
    (shipped,) = [name for name in RIVALS if name.endswith("shipped")]
    limit = DistillationLimit(**{key: own[key] for key in fields_of(DistillationLimit)})

    @jax.jit
    def losses():
        rivals = {name: RIVALS[name](**nested[name]).loss(**INPUTS) for name in RIVALS}
        return rivals, limit.loss(**INPUTS), RIVALS[shipped](**own).loss(**INPUTS)

    rivals, eq8, as_shipped = losses()
    for name, loss in rivals.items():
        if name != "bracket over losses above E":  # Eq. 8 only where E is zero
            np.testing.assert_allclose(loss, eq8, rtol=1e-12, err_msg=name)
    np.testing.assert_allclose(as_shipped, law.loss(**INPUTS), rtol=1e-12)


def fields_of(law_type):
    return [field.name for field in dataclasses.fields(law_type)]
