import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import (
    FREE_TEACHER,
    TEACHER_INFERENCE,
    Winner,
    compare,
    compute_optimal,
    distill,
    plan_to_dict,
    rank_teachers,
    relative_cost,
    serving_frontier,
    train_fixed,
)

LAW = presets.load("busbridge2025_consistent")


def test_the_least_loss_wins_by_the_margin():
    budgets = np.logspace(18, 25, 15)
    answer = compare(LAW, flops=budgets, num_student_params=1e9, scenario=TEACHER_INFERENCE)
    alone = train_fixed(LAW, num_params=1e9, flops=budgets).loss
    distilled = distill(LAW, flops=budgets, num_student_params=1e9, scenario=TEACHER_INFERENCE).loss
    best = compute_optimal(LAW, flops=budgets)
    too_large = best.num_params > 1e9
    supervised = np.where(too_large, alone, best.loss)
    name = np.where(too_large, Winner.OVERTRAIN, Winner.TRAIN)
    expected = np.where(distilled < supervised, Winner.DISTIL, name)
    np.testing.assert_array_equal(answer.winner, expected)
    np.testing.assert_allclose(answer.margin, np.abs(distilled - supervised), rtol=1e-9)
    assert set(expected) == {Winner.TRAIN, Winner.OVERTRAIN, Winner.DISTIL}


def test_demand_calls_for_a_smaller_model():
    served = compare(LAW, flops=1e22, num_inference_tokens=1e11)
    free = compare(LAW, flops=1e22)
    assert free.winner == Winner.TRAIN
    assert not free.eligible.overtrain
    assert served.options.overtrain.num_params < free.options.train.num_params
    assert served.options.overtrain.loss < served.options.train.loss
    for name in ("overtrain", "distil"):
        assert served.options[name].shares.serving > 0


def test_a_teacher_that_exists_may_be_used_as_it_is():
    teacher: Any = {"teacher_loss": 2.0, "num_teacher_params": 3e9}
    free = compare(LAW, flops=1e21, **teacher)
    assert free.winner == Winner.USE_TEACHER
    assert free.options.use_teacher.flops == 0
    capped = compare(LAW, flops=1e21, num_student_params=1e9, **teacher)
    assert not capped.eligible.use_teacher
    demand = compare(LAW, flops=1e21, num_inference_tokens=1e12, **teacher)
    assert not demand.eligible.use_teacher  # to serve it takes 6e21


def test_a_teacher_that_exists_with_a_batch_of_laws():
    teacher: Any = {"teacher_loss": 2.0, "num_teacher_params": 3e9}
    factors = np.array([0.99, 1.0, 1.01])
    batch = compare(jax.tree.map(lambda leaf: leaf * factors, LAW), flops=1e21, **teacher)
    for index, factor in enumerate(factors):
        one = compare(jax.tree.map(lambda leaf, by=factor: leaf * by, LAW), flops=1e21, **teacher)
        for ours, alone in zip(jax.tree.leaves(batch), jax.tree.leaves(one), strict=True):
            np.testing.assert_allclose(ours[index], alone, rtol=1e-6, atol=1e-6)


def test_nothing_wins_where_nothing_can_be_done():
    answer = compare(LAW, flops=[1e3, 1e21], num_student_params=1e9)
    assert answer.winner.tolist()[0] == Winner.NONE
    assert np.isnan(answer.margin[0])
    assert "raise the budget" in answer.reason[0]


def test_words_tell_winner_margin_and_distance():
    answer = compare(LAW, flops=1e21, num_student_params=3e8)
    fitted = {"num_params": (1e8, 1e10), "num_tokens": (1e9, 1e12)}
    students = {"num_student_params": (1e8, 1e10), "num_student_tokens": (1e9, 1e12)}
    text = answer.words(fitted | students)
    assert text.startswith("Overtrain: 300M parameters on 556B tokens")
    assert f"{answer.margin:.4f} below" in text
    assert "within the range" in text
    assert "larger than the student" in text
    assert "A part of the law's fitted range is unknown" in answer.words(students)
    far = answer.words({"num_params": (1e8, 1e10), "num_tokens": (1e9, 1e11)})
    assert "5.56 times outside" in far
    assert "do not rely on it" in far
    assert "not judged" in answer.reason


def test_plain_dictionaries_are_json():
    answer = compare(LAW, flops=[1e3, 1e21], num_student_params=1e9)
    document = plan_to_dict(answer)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["winner"] == ["NONE", "OVERTRAIN"]
    assert document["options"]["distil"]["status"] == ["INFEASIBLE", "CONVERGED"]
    assert document["margin"][0] is None


def test_inside_a_trace_and_under_vmap():
    budgets = jnp.logspace(19, 25, 5)

    @jax.jit
    def winners(law):
        return compare(law, flops=budgets, num_student_params=1e9, scenario=FREE_TEACHER).winner

    outside = compare(
        LAW, flops=np.asarray(budgets, float), num_student_params=1e9, scenario=FREE_TEACHER
    )
    np.testing.assert_array_equal(winners(LAW), outside.winner)


def test_misuse_is_named():
    with pytest.raises(ValueError, match="num_teacher_params is missing"):
        compare(LAW, flops=1e20, teacher_loss=2.0)
    with pytest.raises(TypeError, match="distillation law"):
        compare(presets.load("besiroglu2024"), flops=1e20)
    with pytest.raises(ValueError, match="flops must be positive"):
        compare(LAW, flops=0)


@pytest.mark.parametrize(
    ("question", "inputs"),
    [
        (compare, {"flops": 1e21}),
        (serving_frontier, {"flops": 1e21, "num_params": [1e9, 1e10]}),
        (relative_cost, {"target_loss": 2.4, "num_student_params": 5e8}),
        (
            rank_teachers,
            {"flops": 1e21, "num_student_params": 1e9}
            | {"teacher_loss": [2.4, 2.1], "num_teacher_params": [1e9, 4e9]},
        ),
    ],
)
def test_a_bound_that_is_no_number_is_an_error_and_not_an_infeasible_plan(question, inputs):
    with pytest.raises(ValueError, match="num_student_tokens_bounds must be positive and finite"):
        question(LAW, **inputs, num_student_tokens_bounds=(1e3, np.nan))
