"""A planner as an object in other programs: control flow, exported and compiled programs."""

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import (
    FREE_TEACHER,
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING_AND_INFERENCE,
    Planner,
    SupervisedPlan,
    compute_optimal,
    distill,
    distill_family,
    distill_with,
    flops_to_reach,
    over_draws,
    serve,
    train_fixed,
)

LAW = presets.load("besiroglu2024")
BOTH = presets.load("busbridge2025_refit")
FIXED = Planner(train_fixed, law=LAW, num_params=1e9)
BUDGETS = jnp.array([1e20, 1e21, 1e22], jnp.float32)


def _loss(flops, law=LAW):
    """The loss of a size of 1e9 that is trained for a budget."""
    return law.E + law.A / 1e9**law.alpha + law.B / (np.asarray(flops, float) / 6e9) ** law.beta


def test_it_answers_in_python_and_in_programs():
    expected = _loss(BUDGETS)
    np.testing.assert_allclose(FIXED(flops=np.asarray(BUDGETS)).loss, expected, rtol=1e-12)
    np.testing.assert_allclose(jax.jit(FIXED)(flops=BUDGETS).loss, expected, rtol=1e-6)
    mapped = jax.vmap(lambda flops: FIXED(flops=flops).loss)(BUDGETS)
    np.testing.assert_allclose(mapped, expected, rtol=1e-6)
    _, scanned = jax.lax.scan(lambda c, flops: (c, FIXED(flops=flops).loss), 0, BUDGETS)
    np.testing.assert_allclose(scanned, expected, rtol=1e-6)


def test_a_call_may_replace_its_settings():
    other = presets.load("hoffmann2022")
    assert FIXED(other, flops=1e21).loss == pytest.approx(_loss(1e21, other))
    assert FIXED(law=other, flops=1e21, num_params=1e9).loss == pytest.approx(_loss(1e21, other))


def test_a_setting_that_the_question_does_not_have_is_an_error():
    with pytest.raises(TypeError, match="num_student_params"):
        Planner(train_fixed, law=LAW, num_student_params=1e9)


def test_it_is_a_question_of_others():
    plan = flops_to_reach(FIXED, LAW, target_loss=_loss(1e21))
    assert plan.flops == pytest.approx(1e21, rel=1e-6)
    draws = jax.tree.map(lambda leaf: np.array([leaf, 1.01 * leaf]), LAW)
    assert over_draws(FIXED, draws, {"flops": 1e21}).loss[0] == pytest.approx(_loss(1e21))


@pytest.mark.slow
def test_plans_of_a_kind_have_one_structure():
    student = {"num_student_params": 1e9}
    size, teacher = {"num_params": 1e9}, {"teacher_loss": 2.1, "num_teacher_params": 7e9}
    kinds = {
        "supervised": [
            lambda c: compute_optimal(LAW, flops=c),
            lambda c: train_fixed(LAW, flops=c, **size),
            lambda c: serve(LAW, flops=c, num_inference_tokens=1e12),
            lambda c: serve(LAW, target_loss=2.3 + 0 * c, num_inference_tokens=1e12),
            lambda c: flops_to_reach(train_fixed, LAW, target_loss=2.3 + 0 * c, **size),
        ],
        "distilled": [
            lambda c: distill(BOTH, flops=c, scenario=FREE_TEACHER, **student),
            lambda c: distill(BOTH, flops=c, scenario=TEACHER_INFERENCE),
            lambda c: distill(BOTH, flops=c, scenario=TEACHER_PRETRAINING_AND_INFERENCE, **student),
            lambda c: distill_with(BOTH, flops=c, **student, **teacher),
        ],
        "family": [
            lambda c, scenario=scenario: distill_family(
                BOTH, flops=c, num_student_params=[3e8, 1e9], scenario=scenario
            )
            for scenario in (FREE_TEACHER, TEACHER_PRETRAINING_AND_INFERENCE)
        ],
    }
    for plans in kinds.values():
        types = [_types(jax.eval_shape(plan, jnp.float32(1e22))) for plan in plans]
        assert all(each == types[0] for each in types)


def _types(plan):
    leaves, structure = jax.tree.flatten(plan)
    return structure, [(leaf.shape, leaf.dtype) for leaf in leaves]


def test_cond_chooses_between_questions():
    def plan(flops):
        def optimal(flops):
            return compute_optimal(LAW, flops=flops)

        return jax.lax.cond(flops > 1e21, optimal, lambda flops: FIXED(flops=flops), flops)

    low, high = jax.jit(plan)(1e20), jax.jit(plan)(1e22)
    assert low.loss == pytest.approx(_loss(1e20), rel=1e-6)
    assert high.loss == pytest.approx(compute_optimal(LAW, flops=1e22).loss, rel=1e-6)
    assert jax.jit(jax.grad(lambda flops: plan(flops).loss))(1e20) < 0


def test_it_is_compiled_ahead_of_time():
    program = FIXED.lower(flops=jax.ShapeDtypeStruct((3,), jnp.float32)).compile()
    np.testing.assert_allclose(program(flops=BUDGETS).loss, _loss(BUDGETS), rtol=1e-6)
    text = FIXED.lower(flops=BUDGETS, platforms=["cuda"]).as_text()
    assert "stablehlo" in text


def test_an_exported_program_takes_any_number_of_budgets():
    pytest.importorskip("flatbuffers")
    (size,) = jax.export.symbolic_shape("size")
    budgets = jax.ShapeDtypeStruct((size,), jnp.float32)
    exported = FIXED.export(flops=budgets, platforms=["cpu", "cuda"])
    assert exported.platforms == ("cpu", "cuda")
    loaded = jax.export.deserialize(exported.serialize(vjp_order=1))
    for count in (3, 2):
        plan = loaded.call(flops=BUDGETS[:count])
        assert isinstance(plan, SupervisedPlan)
        np.testing.assert_allclose(plan.loss, _loss(BUDGETS[:count]), rtol=1e-6)
        assert plan.shares.student.tolist() == [1.0] * count
    slope = jax.grad(lambda flops: loaded.call(flops=flops).loss.sum())(BUDGETS)
    np.testing.assert_allclose(slope, -LAW.beta * (_loss(BUDGETS) - _loss(np.inf)) / BUDGETS, 1e-4)


def test_a_law_may_be_an_argument_of_an_exported_program():
    pytest.importorskip("flatbuffers")
    law = jax.tree.map(jnp.float32, LAW)
    shape = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), law)
    exported = FIXED.export(law=shape, flops=jax.ShapeDtypeStruct((), jnp.float32))
    loaded = jax.export.deserialize(exported.serialize())
    assert loaded.call(law=law, flops=jnp.float32(1e21)).loss == pytest.approx(
        _loss(1e21), rel=1e-6
    )


def test_a_search_for_a_budget_is_exported_for_any_number_of_targets():
    (size,) = jax.export.symbolic_shape("size")
    planner = Planner(flops_to_reach, question=train_fixed, law=LAW, num_params=1e9)
    exported = planner.export(target_loss=jax.ShapeDtypeStruct((size,), jnp.float32))
    found = exported.call(target_loss=jnp.float32(_loss(BUDGETS)))
    np.testing.assert_allclose(found.flops, BUDGETS, rtol=1e-4)
