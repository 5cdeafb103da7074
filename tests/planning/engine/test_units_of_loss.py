"""A law in another unit of loss gives the same plan."""

import dataclasses

import jax
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import (
    FREE_TEACHER,
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING,
    TEACHER_PRETRAINING_AND_INFERENCE,
    compute_optimal,
    distill,
    distill_family,
    near_optimal_range,
    optimal_teacher_loss,
    train_fixed,
)

LAW = presets.load("busbridge2025_refit")
RANDOM = np.random.default_rng(0)
FLOPS, SIZES = 10 ** RANDOM.uniform(18, 26, 16), 10 ** RANDOM.uniform(7, 11, 16)


def _in_unit(unit):
    """The law whose losses are `unit` times as large, by its formula."""
    s = LAW.supervised
    inner = unit ** (1 / s.gamma)
    supervised = dataclasses.replace(s, E=unit * s.E, A=inner * s.A, B=inner * s.B)
    factor = unit ** ((1 + LAW.c0) / LAW.gamma)
    return dataclasses.replace(LAW, supervised=supervised, A=factor * LAW.A, B=factor * LAW.B)


QUESTIONS = {
    "trained and used": lambda law: distill(
        law, flops=FLOPS, num_student_params=SIZES, scenario=TEACHER_PRETRAINING_AND_INFERENCE
    ),
    "free": lambda law: distill(law, flops=FLOPS, num_student_params=SIZES, scenario=FREE_TEACHER),
    "any size": lambda law: distill(law, flops=FLOPS, scenario=TEACHER_INFERENCE),
    "family": lambda law: distill_family(
        law, flops=FLOPS, num_student_params=[1e8, 1e9], scenario=TEACHER_PRETRAINING
    ),
    "alone": lambda law: compute_optimal(law, flops=FLOPS),
    "fixed size": lambda law: train_fixed(law, flops=FLOPS, num_params=SIZES),
    "teacher": lambda law: optimal_teacher_loss(
        law, num_student_params=SIZES, num_student_tokens=FLOPS**0.5
    ),
}


@pytest.mark.parametrize("unit", [1e-9, 1e5])
@pytest.mark.parametrize(
    "question",
    [
        pytest.param(question, id=name, marks=[pytest.mark.slow] if name == "family" else [])
        for name, question in QUESTIONS.items()
    ],
)
def test_the_plan_is_the_same(question, unit):
    nats, other = question(LAW), question(_in_unit(unit))
    np.testing.assert_array_equal(other.status, nats.status)
    np.testing.assert_allclose(other.loss, unit * nats.loss, rtol=1e-12)
    for name, value in vars(nats).items():
        if name.startswith("num_"):
            np.testing.assert_allclose(vars(other)[name], value, rtol=1e-8)
    jax.tree.map(
        lambda ours, theirs: np.testing.assert_allclose(
            ours, unit * theirs, rtol=1e-5, atol=1e-9 * unit
        ),
        dict(other.marginal_values),
        dict(nats.marginal_values),
    )


@pytest.mark.slow
def test_derivatives_and_ranges():
    unit = 1e5
    nats, other = (
        jax.grad(lambda flops, law=law: compute_optimal(law, flops=flops).loss)(1e21)
        for law in (LAW, _in_unit(unit))
    )
    np.testing.assert_allclose(other, unit * nats, rtol=1e-4)
    nats, other = (
        near_optimal_range(compute_optimal, law, of="num_params", within=within, flops=1e21)
        for law, within in ((LAW, 0.01), (_in_unit(unit), 0.01 * unit))
    )
    np.testing.assert_allclose([other.low, other.high], [nats.low, nats.high], rtol=1e-9)
