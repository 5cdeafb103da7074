"""A batch of laws gives what each law gives alone; an axis of a question's own stays apart."""

import functools

import jax
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import (
    TEACHER_INFERENCE,
    Limit,
    Mixture,
    crossover,
    distill_family,
    optimal_shape,
    rank_teachers,
    serving_frontier,
)
from jaxlaws.planning.supervised.model_shapes import SHAPES

LAW = presets.load("busbridge2025_consistent")
SCATTERED = np.exp(0.01 * np.random.default_rng(0).normal(size=(3, len(jax.tree.leaves(LAW)))))
LAWS = jax.tree.unflatten(
    jax.tree.structure(LAW),
    [leaf * off for leaf, off in zip(jax.tree.leaves(LAW), SCATTERED.T, strict=True)],
)
SIZES = [3e8, 1e9, 3e9]
QUESTIONS = {
    "catalogue": functools.partial(
        rank_teachers,
        num_student_params=1e9,
        teacher_loss=[2.4, 2.1, 1.95],
        num_teacher_params=[1e9, 4e9, 1.3e10],
    ),
    "frontier": functools.partial(serving_frontier, num_params=SIZES, scenario=TEACHER_INFERENCE),
    "family": functools.partial(
        distill_family, num_student_params=SIZES, scenario=TEACHER_INFERENCE
    ),
    "shapes": functools.partial(optimal_shape, shapes=[SHAPES[index] for index in (10, 20, 30)]),
}


def _law(index):
    return jax.tree.map(lambda leaf: leaf[index], LAWS)


def _same(batch, single):
    def check(ours, theirs):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)

    jax.tree.map(check, batch, single)


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] if n == "family" else []) for n in QUESTIONS],
)
def test_three_laws_are_not_paired_with_three_of_the_questions_own(name):
    question = QUESTIONS[name]
    batch = question(LAWS, flops=1e21)
    for index in range(3):
        _same(
            jax.tree.map(lambda leaf, at=index: leaf[at], batch), question(_law(index), flops=1e21)
        )


def test_laws_budgets_and_teachers_have_an_axis_each():
    question = QUESTIONS["catalogue"]
    laws = jax.tree.map(lambda leaf: leaf[:, None], LAWS)
    both = question(laws, flops=[1e20, 1e21])
    assert both.best.shape == (3, 2)
    assert both.plans.loss.shape == (3, 2, 3)
    one = question(_law(2), flops=1e20)
    _same(jax.tree.map(lambda leaf: leaf[2, 0], both), one)


@pytest.mark.slow
def test_bounds_limits_and_shares_of_a_scenario_are_not_paired_with_sizes():
    most = [1e11, 3e11, 1e12]
    limit = Limit(
        lambda *, num_student_tokens=0.0, num_tokens=0.0, **_: num_student_tokens + num_tokens, most
    )
    question = functools.partial(QUESTIONS["frontier"], LAW, flops=1e21)
    limited = question(limits={"tokens": limit})
    bounded = question(num_student_tokens_bounds=(1e3, most))
    assert bounded.loss.shape == (3, 3)
    np.testing.assert_allclose(limited.loss, bounded.loss, rtol=1e-9)
    assert (bounded.supervised.num_tokens <= np.array(most)[:, None]).all()


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("catalogue", "num_student_tokens"),
        ("frontier", "num_teacher_params"),
        ("shapes", "num_params"),
        ("shapes", "num_tokens"),
    ],
)
def test_a_pair_of_bounds_may_be_a_list(name, variable):
    question = functools.partial(QUESTIONS[name], LAW, flops=1e21)
    pair = (1e9, 3e10)
    _same(*(question(**{f"{variable}_bounds": kind(pair)}) for kind in (list, tuple)))


@pytest.mark.slow
def test_crossings_of_three_laws_and_of_a_mixture():
    question = functools.partial(
        crossover, scenario=TEACHER_INFERENCE, num_student_params=3e8, flops_bounds=(1e17, 1e24)
    )
    batch = question(LAWS)
    for index in range(3):
        _same(jax.tree.map(lambda leaf, at=index: leaf[at], batch), question(_law(index)))
    pair = (1e8, 1e10)
    _same(*(question(LAW, num_teacher_params_bounds=kind(pair)) for kind in (list, tuple)))
    expected = question(Mixture(laws=LAWS))
    assert expected.first.shape == ()
    assert batch.flops[:, 0].min() < expected.flops[0] < batch.flops[:, 0].max()
