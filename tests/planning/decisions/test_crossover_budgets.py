"""Where distillation and supervised training change places, against dense scans."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import (
    FREE_TEACHER,
    TEACHER_PRETRAINING_AND_INFERENCE,
    Method,
    Status,
    crossover,
    distill,
    plan_to_dict,
    train_fixed,
)
from jaxlaws.planning.decisions.crossover_budgets import _changes

SIZES = np.array([1e8, 3e8, 1e9, 1e10])
FULL = TEACHER_PRETRAINING_AND_INFERENCE


@pytest.mark.parametrize("places", [np, jnp])
def test_changes_pass_over_ties(places):
    sides = places.asarray(
        [[0.0, 1, 1, 0, -1, 0, 0, 1, -1, -1], [0.0] * 10, [0.0, -1, 0, 0, -1, -1, 0, 0, 1, 0]]
    )
    left, right, found, count = (np.asarray(part) for part in _changes(sides, 2, places))
    assert count.tolist() == [3, 0, 1]
    assert found.tolist() == [[True, True], [False, False], [True, False]]
    assert (left[0].tolist(), right[0].tolist()) == ([2, 4], [4, 7])
    assert (left[2, 0], right[2, 0]) == (5, 8)


@pytest.mark.slow
def test_a_free_teacher_against_a_scan_of_teachers():
    law = presets.load("busbridge2025_consistent")
    answer = crossover(law, num_student_params=SIZES, scenario=FREE_TEACHER)
    assert answer.flops.shape == (4, 4)
    assert answer.count.tolist() == [0, 1, 1, 1]
    assert (answer.first == Method.DISTILLATION).all()
    assert (answer.status == Status.CONVERGED).all()
    assert answer.to[1].tolist() == [Method.SUPERVISED, *[Method.NONE] * 3]
    teachers = np.geomspace(law.supervised.E, 8.0, 20_001)[:, None]
    size, budget = SIZES[1:], answer.flops[1:, 0]
    with jax.enable_x64(True):
        for factor, sign in ((0.99, 1), (1.01, -1)):
            tokens = factor * budget / (6 * size)
            alone = law.supervised.loss(num_params=size, num_tokens=tokens)
            taught = law.loss(
                num_student_params=size[None],
                num_student_tokens=tokens[None],
                teacher_loss=teachers,
            )
            assert (sign * np.asarray(alone - taught.min(axis=0)) > 0).all()


@pytest.mark.slow
def test_every_change_of_a_finer_scan_is_found():
    law = presets.load("busbridge2025_refit")
    answer = crossover(law, num_student_params=SIZES, scenario=FULL)
    budgets = np.geomspace(1e17, 1e28, 1000)
    single = train_fixed(law, num_params=SIZES[:, None], flops=budgets)
    taught = distill(law, num_student_params=SIZES[:, None], flops=budgets, scenario=FULL)
    better = single.loss > taught.loss
    changes = better[:, 1:] != better[:, :-1]
    np.testing.assert_array_equal(answer.count, changes.sum(axis=1))
    np.testing.assert_array_equal(answer.first == Method.DISTILLATION, better[:, 0])
    for row in range(4):
        places = np.flatnonzero(changes[row])
        found = answer.flops[row, : len(places)]
        assert ((budgets[places] <= found) & (found <= budgets[places + 1])).all()
        np.testing.assert_array_equal(
            answer.to[row, : len(places)] == Method.DISTILLATION, better[row, places + 1]
        )
        assert np.isnan(answer.flops[row, len(places) :]).all()
    at = answer.flops[1, :2]
    again = distill(law, num_student_params=3e8, flops=at, scenario=FULL)
    np.testing.assert_allclose(again.loss, answer.loss[1, :2], rtol=1e-10)


@pytest.mark.slow
def test_a_batch_of_laws_is_answered_as_each_alone():
    draws = jax.tree.map(lambda leaf: leaf[:3], presets.ensemble("busbridge2025_refit"))
    batch = crossover(draws, num_student_params=3e8, scenario=FULL)
    assert batch.flops.shape == (3, 4)
    for index in range(3):
        law = jax.tree.map(lambda leaf, i=index: leaf[i], draws)
        alone = crossover(law, num_student_params=3e8, scenario=FULL)
        np.testing.assert_allclose(batch.flops[index], alone.flops, rtol=1e-9)
        np.testing.assert_array_equal(batch.to[index], alone.to)
        assert batch.first[index] == alone.first


@pytest.mark.slow
def test_too_many_none_and_nothing():
    law = presets.load("busbridge2025_refit")
    answer = crossover(law, num_student_params=3e8, scenario=FULL, max_crossings=1)
    assert (answer.count, answer.status, answer.flops.shape) == (2, Status.NOT_CONVERGED, (1,))
    none = crossover(law, num_student_params=3e8, scenario=FULL, flops_bounds=(1e18, 1e21))
    assert plan_to_dict(none) == {
        "flops": [None] * 4,
        "to": ["NONE"] * 4,
        "loss": [None] * 4,
        "first": "SUPERVISED",
        "count": 0,
        "status": "CONVERGED",
    }
    nothing = crossover(law, num_student_params=1e9, scenario=FULL, num_inference_tokens=1e20)
    assert (nothing.first, nothing.status) == (Method.NONE, Status.INFEASIBLE)


def test_bad_input_is_named():
    law = presets.load("busbridge2025_refit")
    with pytest.raises(ValueError, match="num_student_params must be positive"):
        crossover(law, num_student_params=[1e9, 0], scenario=FULL)
    with pytest.raises(ValueError, match="flops_bounds"):
        crossover(law, num_student_params=1e9, scenario=FULL, flops_bounds=(1e20, 1e20))
    with pytest.raises(ValueError, match="max_crossings"):
        crossover(law, num_student_params=1e9, scenario=FULL, max_crossings=0)
    with pytest.raises(TypeError, match="scenario must be a Scenario"):
        crossover(law, num_student_params=1e9, scenario="full")  # pyright: ignore
    with pytest.raises(TypeError, match="distillation law"):
        crossover(law.supervised, num_student_params=1e9, scenario=FULL)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_derivatives_in_a_batch():
    law = presets.load("busbridge2025_consistent")

    def log_flops(log_size):
        answer = crossover(law, num_student_params=jnp.exp(log_size), scenario=FREE_TEACHER)
        return jnp.log(answer.flops)

    def total(log_sizes):
        return jnp.nansum(jax.vmap(log_flops)(log_sizes))

    logs = np.log(SIZES)
    slopes = jax.jit(jax.grad(total))(logs)
    assert slopes[0] == 0  # no crossing

    def outside(logs):
        answer = crossover(law, num_student_params=np.exp(logs), scenario=FREE_TEACHER)
        return np.log(answer.flops[:, 0])

    step = 1e-4
    near, far = outside(logs + step) - outside(logs - step), outside(logs + 2 * step)
    expected = (8 * near - (far - outside(logs - 2 * step))) / (12 * step)
    error = np.abs(slopes - expected)[1:] / np.maximum(np.abs(expected[1:]), 1e-3)
    assert error.max() <= 1e-5
