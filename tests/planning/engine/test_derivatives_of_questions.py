"""Derivatives of the wider questions in jit, vmap and grad, against differences of the doors.

By the budget, by a coefficient of the law, and by a bound: inside it and on it, an entry each of
one batch. What a bound holds does not move with the rest.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import (
    FREE_TEACHER,
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING,
    Costs,
    Hardware,
    assess_teacher,
    distill,
    distill_family,
    optimal_shape,
    overtraining_cost,
    rank_teachers,
    relative_cost,
    serve,
    serving_frontier,
    train_on_limited_data,
)

pytestmark = pytest.mark.usefixtures("x64")

LAW = presets.load("busbridge2025_consistent")
ALONE = presets.load("besiroglu2024")
REPEATED = presets.load("muennighoff2023")
_STEP = 1e-4


def _with(law, **coefficients):
    return dataclasses.replace(law, **coefficients)


def any_size(flops, alpha, cap):
    plan = distill(
        _with(LAW, alpha=alpha),
        flops=flops,
        scenario=FREE_TEACHER,
        num_student_params_bounds=(1e6, cap),
    )
    return [jnp.log(plan.num_student_params), jnp.log(plan.num_student_tokens), plan.loss]


def catalogue(flops, alpha, best_loss):
    choice = rank_teachers(
        _with(LAW, alpha=alpha),
        flops=flops,
        num_student_params=1e9,
        teacher_loss=jnp.stack([jnp.full_like(best_loss, 2.38), best_loss]),
        num_teacher_params=np.array([9.75e8, 4e9]),
    )
    return [choice.gain, choice.margin, jnp.log(choice.plans.num_student_tokens[1])]


def quality(flops, alpha, most_tokens):
    answer = assess_teacher(
        _with(LAW, alpha=alpha),
        flops=flops,
        num_student_params=1e9,
        teacher_loss=2.0,
        num_teacher_params=7.75e9,
        num_student_tokens_bounds=(1e3, most_tokens),
    )
    tokens = jnp.log(answer.plan.num_student_tokens)
    return [tokens, answer.slope, answer.gain, answer.optimal.teacher_loss]


def money(dollars, alpha, most, price):
    plan = serve(
        _with(ALONE, alpha=alpha),
        num_inference_tokens=1e12,
        flops=dollars,
        cost=Costs.in_dollars(
            training=Hardware(dollars_per_hour=2.5, flops_per_second=1e15, utilisation=0.45),
            serving=Hardware(dollars_per_hour=price, flops_per_second=4e14, utilisation=0.1),
        ),
        num_params_bounds=(1e3, most),
    )
    return [jnp.log(plan.num_params), plan.loss, jnp.log(plan.flops * plan.shares.serving)]


def smaller(flops, alpha, fraction):
    answer = overtraining_cost(_with(ALONE, alpha=alpha), flops=flops, size_fraction=fraction)
    return [answer.overhead, jnp.log(answer.tokens_to_repay), answer.smaller.loss]


def ratios(target_loss, alpha, size):
    answer = relative_cost(
        _with(LAW, alpha=alpha),
        target_loss=target_loss,
        num_student_params=size,
        scenario=TEACHER_INFERENCE,
    )
    plan = answer.distilled
    return [jnp.log(plan.num_teacher_tokens), jnp.log(answer.compute), jnp.log(answer.tokens)]


def frontier(flops, alpha, size):
    answer = serving_frontier(
        _with(LAW, alpha=alpha),
        flops=flops,
        num_params=jnp.stack([size, 10 * size]),
        scenario=FREE_TEACHER,
    )
    return [*answer.loss, *jnp.log(answer.inference_flops)]


def built(flops, alpha):
    law = _with(LAW.supervised, alpha=alpha)
    plan = optimal_shape(law, flops=flops, num_inference_tokens=1e10)
    return [jnp.log(plan.num_params), jnp.log(plan.num_tokens), plan.loss, plan.excess_loss]


def family(flops, alpha, largest_teacher):
    plan = distill_family(
        _with(LAW, alpha=alpha),
        flops=flops,
        num_student_params=np.array([5e8, 3e9]),
        scenario=TEACHER_PRETRAINING,
        num_teacher_params_bounds=(1e3, largest_teacher),
    )
    return [jnp.log(plan.num_teacher_params), *jnp.log(plan.num_student_tokens), plan.loss]


def limited(flops, alpha, largest, distinct):
    plan = train_on_limited_data(
        _with(REPEATED, alpha=alpha),
        flops=flops,
        num_unique_tokens=distinct,
        num_params_bounds=(1e3, largest),
    )
    return [jnp.log(plan.num_params), jnp.log(plan.num_epochs), plan.loss]


# A question, its inputs inside a bound, what replaces some of them in the second entry of the
# batch; and by place the input that alone moves the first number there: the bound that holds it.
# A shape, or the tokens of a teacher that are free, are held throughout: nothing moves them.
_NOTHING = -1
_FAST = {
    "money": (money, [1e6, ALONE.alpha, 1e14, 1.2], {2: 1e9}, 2),
}
_SLOW = {
    "quality": (quality, [1e21, LAW.alpha, 1e15], {2: 1e10}, 2),
    "any_size": (any_size, [1e22, LAW.alpha, 1e14], {2: 1e9}, 2),
    "catalogue": (catalogue, [1e22, LAW.alpha, 2.1], {0: 1e20}, None),
    "smaller": (smaller, [1e23, ALONE.alpha, 0.5], {2: 0.8}, None),
    "ratios": (ratios, [2.4, LAW.alpha, 5e8], {}, _NOTHING),
    "frontier": (frontier, [1e21, LAW.alpha, 1e8], {0: 1e23}, None),
    "built": (built, [1e21, LAW.supervised.alpha], {}, _NOTHING),
    "family": (family, [1e22, LAW.alpha, 1e14], {2: 1e8}, 2),
    "limited": (limited, [1e23, REPEATED.alpha, 1e14, 1e11], {2: 1e9}, 2),
}
_CASES = [pytest.param(*case, id=name) for name, case in _FAST.items()] + [
    pytest.param(*case, id=name, marks=pytest.mark.slow) for name, case in _SLOW.items()
]


@pytest.mark.parametrize(("question", "inside", "changed", "holder"), _CASES)
def test_derivatives(question, inside, changed, holder):
    second = [changed.get(place, value) for place, value in enumerate(inside)]
    points = np.log(np.array([inside, second], dtype=float))

    def numbers(logs):
        found = jnp.stack(question(*jnp.exp(logs)))
        return found, found

    def door(logs):
        return np.array(question(*np.exp(logs)))

    slopes, values = jax.jit(jax.vmap(jax.jacrev(numbers, has_aux=True)))(points)
    for entry, point in enumerate(points):
        np.testing.assert_allclose(values[entry], door(point), rtol=1e-9, atol=1e-9)
        for index, along in enumerate(_STEP * np.eye(len(point))):
            near = door(point + along) - door(point - along)
            far = door(point + 2 * along) - door(point - 2 * along)
            expected = (8 * near - far) / (12 * _STEP)
            error = np.abs(slopes[entry, :, index] - expected) / np.maximum(np.abs(expected), 1e-3)
            assert error.max() <= 1e-5, (entry, index, error)
    if holder is not None:
        free = [index for index in range(len(inside)) if index != holder]
        assert (slopes[1, 0, free] == 0).all()
        assert holder == _NOTHING or slopes[1, 0, holder] == pytest.approx(1.0, rel=1e-12)
