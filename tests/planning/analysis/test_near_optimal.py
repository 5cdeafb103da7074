"""Ranges of near-optimal plans, against NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from in_numpy import student_loss, trained_loss

from jaxlaws import presets
from jaxlaws.planning import (
    TEACHER_PRETRAINING,
    Planner,
    compute_optimal,
    distill,
    near_optimal_range,
)
from tests.planning.cost_search import routed


def test_range_of_sizes_holds_just_those_within():
    law, within = presets.load("besiroglu2024"), np.array([1e-3, 1e-2])
    answer = near_optimal_range(compute_optimal, law, of="num_params", within=within, flops=1e21)

    def loss(size):
        return law.E + law.A / size**law.alpha + law.B / (1e21 / 6 / size) ** law.beta

    sizes = np.geomspace(1e7, 1e12, 200_001)
    least = loss(sizes).min()
    for end in (answer.low, answer.high):
        np.testing.assert_allclose(loss(end) - least, within, rtol=1e-5)
    for low, high, most in zip(answer.low, answer.high, within, strict=True):
        inside = (sizes >= low) & (sizes <= high)
        assert (inside == (loss(sizes) - least <= most)).mean() > 0.9999


def test_bounds_of_the_variable_bound_the_range():
    law = presets.load("besiroglu2024")
    asked = {"of": "num_params", "within": 0.01, "flops": 1e21}
    answer = near_optimal_range(compute_optimal, law, num_params_bounds=(2e9, 1e12), **asked)
    np.testing.assert_allclose(answer.low, 2e9, rtol=1e-12)
    assert 2.8e9 < answer.high < 1e12


@pytest.mark.slow
def test_range_of_teachers_costs_what_it_may():
    law, flops, size = presets.load("busbridge2025_consistent"), 1e21, 1e9
    answer = near_optimal_range(
        distill,
        law,
        of="num_teacher_params",
        within=0.01,
        flops=flops,
        num_student_params=size,
        scenario=TEACHER_PRETRAINING,
    )

    def least(teacher):
        """Over the split of the compute."""
        share = np.linspace(0, 1, 2_000_001)[1:-1]
        loss = trained_loss(law, teacher, share * flops / (6 * teacher))
        return student_loss(law, size, (1 - share) * flops / (6 * size), loss).min()

    for end in (answer.low, answer.high):
        np.testing.assert_allclose(
            least(end) - least(answer.best.num_teacher_params), 0.01, rtol=1e-5
        )


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_derivatives_against_central_differences():
    law = presets.load("besiroglu2024")

    def ends(logs):
        answer = near_optimal_range(
            compute_optimal, law, of="num_params", within=jnp.exp(logs[0]), flops=jnp.exp(logs[1])
        )
        return jnp.log(jnp.stack([answer.low, answer.high]))

    point, step = jnp.log(jnp.array([0.01, 1e21])), 1e-3
    found = jax.jit(jax.jacfwd(ends))(point)
    for index, along in enumerate(step * np.eye(2)):
        near = ends(point + along) - ends(point - along)
        far = ends(point + 2 * along) - ends(point - 2 * along)
        np.testing.assert_allclose(found[:, index], (8 * near - far) / (12 * step), rtol=1e-6)


def test_misuse_is_named():
    law = presets.load("besiroglu2024")
    with pytest.raises(ValueError, match="within must be positive and finite, got 0"):
        near_optimal_range(compute_optimal, law, of="num_params", within=0, flops=1e21)
    with pytest.raises(TypeError, match="num_heads_bounds"):
        near_optimal_range(compute_optimal, law, of="num_heads", within=0.01, flops=1e21)


def test_the_range_of_a_further_input():
    law, within = presets.load("krajewski2024"), 1e-3
    options = {"flops": 1e21, "forward_flops": routed, "input_bounds": {"granularity": (1, 64)}}
    answer = near_optimal_range(compute_optimal, law, of="granularity", within=within, **options)
    assert 1 < answer.low < answer.best.further_inputs.granularity < answer.high < 64
    for end in (answer.low, answer.high):
        options["input_bounds"] = {"granularity": (end, end)}
        plan = compute_optimal(law, **options)
        np.testing.assert_allclose(plan.loss - answer.best.loss, within, rtol=1e-4)
    planner = Planner(compute_optimal, **options | {"input_bounds": {"granularity": (1, 64)}})
    found = near_optimal_range(planner, law, of="granularity", within=within)
    assert (found.low, found.high) == (answer.low, answer.high)
