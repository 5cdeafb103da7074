"""From how many students on a shared teacher pays, against a dense search in NumPy."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from in_numpy import student_loss, trained_loss

from jaxlaws import planning, presets
from jaxlaws.cli.options.plan_options import scenario_of
from jaxlaws.cli.verbs.plans import compare
from jaxlaws.planning import (
    TEACHER_PRETRAINING,
    TEACHER_PRETRAINING_AND_INFERENCE,
    break_even_students,
)

LAW = presets.load("busbridge2025_consistent")


def _gain(flops, size, num_students, logits):
    """What a share in a teacher gains a student over training alone, by a zooming search."""
    low, high, best = np.array([6.0, 6.0]), np.array([13.0, 15.0]), np.inf
    for _ in range(6):
        teacher = np.logspace(low[0], high[0], 201)[:, None]
        tokens = np.logspace(low[1], high[1], 201)[None, :]
        rest = flops - 6 * teacher * tokens / num_students
        rest = np.where(rest > 0, rest, np.nan) / (6 * size + logits * 2 * teacher)
        student = student_loss(LAW, size, rest, trained_loss(LAW, teacher, tokens))
        at = np.unravel_index(np.nanargmin(student), student.shape)
        best = min(best, student[at])
        centre = np.log10([teacher[at[0], 0], tokens[0, at[1]]])
        width = 3 * (high - low) / 200
        low, high = centre - width, centre + width
    return trained_loss(LAW, size, flops / (6 * size)) - best


def test_the_teacher_is_charged_in_full_unless_the_caller_says_otherwise():
    """The default of every question is the same, and that of `--scenario`."""
    parameters = [
        inspect.signature(each).parameters.get("scenario")
        for name in planning.__all__
        if inspect.isfunction(each := getattr(planning, name))
    ]
    defaults = [each.default for each in parameters if each is not None]
    assert len(defaults) >= 7
    assert all(each is TEACHER_PRETRAINING_AND_INFERENCE for each in defaults)
    option = next(each for each in compare.command.params if each.name == "scenario")
    assert option.default == "full"
    assert scenario_of("full") is TEACHER_PRETRAINING_AND_INFERENCE


def test_the_number_is_where_a_dense_search_changes_sides():
    numbers = break_even_students(
        LAW, flops=[1e20, 1e21], num_student_params=1e9, scenario=TEACHER_PRETRAINING_AND_INFERENCE
    )
    for flops, number in zip([1e20, 1e21], numbers, strict=True):
        assert (
            _gain(flops, 1e9, number * 0.999, logits=1)
            < 0
            < _gain(flops, 1e9, number * 1.001, logits=1)
        )


@pytest.mark.slow
def test_one_student_may_be_enough_and_a_million_too_few():
    scenario = TEACHER_PRETRAINING_AND_INFERENCE
    assert break_even_students(LAW, flops=1e18, num_student_params=3e9, scenario=scenario) == 1
    assert break_even_students(LAW, flops=1e24, num_student_params=1e9, scenario=scenario) == np.inf


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_derivative_against_central_difference():
    def number(log_flops):
        return break_even_students(
            LAW, flops=jnp.exp(log_flops), num_student_params=1e9, scenario=TEACHER_PRETRAINING
        )

    here, step = np.log(1e21), 1e-3
    found = jax.jit(jax.value_and_grad(number))(here)
    near = number(here + step) - number(here - step)
    far = number(here + 2 * step) - number(here - 2 * step)
    np.testing.assert_allclose(found[0], number(here), rtol=1e-9)
    np.testing.assert_allclose(found[1], (8 * near - far) / (12 * step), rtol=1e-6)


def test_misuse_is_named():
    with pytest.raises(ValueError, match="flops must be positive"):
        break_even_students(LAW, flops=0, num_student_params=1e9)
    with pytest.raises(TypeError, match="distillation law"):
        break_even_students(presets.load("besiroglu2024"), flops=1e21, num_student_params=1e9)
    with pytest.raises(TypeError, match="scenario must be a Scenario"):
        break_even_students(LAW, flops=1e21, num_student_params=1e9, scenario="full")  # pyright: ignore


def test_students_that_serve_need_as_much_more():
    options = {"num_student_params": 1e9, "scenario": TEACHER_PRETRAINING}
    plain = break_even_students(LAW, flops=1e20, **options)
    budget = 1e20 + 2 * 1e9 * 1e11
    served = break_even_students(LAW, flops=budget, num_inference_tokens=1e11, **options)
    assert plain > 1
    assert served == pytest.approx(plain, rel=1e-8)
