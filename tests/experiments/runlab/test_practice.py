"""How to distil: recipes, how close a student comes, and a table that is never made twice."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.runlab import model, plan, practice, table, training
from experiments.runlab.batches import Windows
from experiments.runlab.closeness import MEASURES, measure
from experiments.runlab.recipes import DEFAULT, Recipe
from jaxlaws.distilling import distilling_loss, keep_top_k, keep_top_p, next_token_loss

SMALL, LARGE = (
    model.Shape(layers=1, width=width, heads=1, vocabulary=32, context=16) for width in (8, 16)
)


@pytest.fixture(autouse=True)
def broadcasting():
    """A transformer broadcasts its gains over the batch, which the other tests forbid."""
    with jax.numpy_rank_promotion("allow"):
        yield


def random_params(shape, seed):
    params = model.init(jax.random.key(seed), shape)
    head = jax.random.normal(jax.random.key(seed + 1), params["head"].shape)
    return params | {"head": head}


def test_recipes_are_the_losses_that_they_name():
    random = np.random.default_rng(0)
    student, teacher = (jnp.float32(each) for each in random.normal(size=(2, 6, 32)))
    targets = random.integers(0, 32, 6)
    plain = distilling_loss(student, teacher)
    text = next_token_loss(student, targets)
    expected = {
        DEFAULT: plain,
        Recipe(mixing=0.25): 0.25 * plain + 0.75 * text,
        Recipe(temperature=3.0): distilling_loss(student, teacher, temperature=3.0),
        Recipe(direction="reverse"): distilling_loss(student, teacher, direction="reverse"),
        Recipe(top_k=3): distilling_loss(student, keep_top_k(teacher, 3)),
        Recipe(top_p=0.7): distilling_loss(student, keep_top_p(teacher, 0.7)),
        Recipe(match_logits=True): ((student - teacher) ** 2).mean(-1) / 2,
    }
    for recipe, losses in expected.items():
        got = recipe.loss(student, teacher, targets)
        np.testing.assert_allclose(got, losses, rtol=1e-6, err_msg=recipe.name)
    assert [recipe.name for recipe in list(expected)[:3]] == [
        "default", "mixing=0.25", "temperature=3.0",
    ]  # fmt: skip


@pytest.mark.slow
def test_closeness_of_two_models():
    windows = np.random.default_rng(0).integers(0, 32, (8, 17)).astype(np.uint8)
    student, teacher = random_params(SMALL, 0), random_params(SMALL, 5)
    found = measure((student, SMALL), (teacher, SMALL), windows, batch=4)
    assert tuple(found) == MEASURES
    logits = jax.jit(lambda params: model.forward(params, windows[:, :-1].astype(int), SMALL))
    own, taught = (np.asarray(logits(each), np.float64) for each in (student, teacher))
    own, taught = (z - np.log(np.exp(z).sum(-1, keepdims=True)) for z in (own, taught))
    p = np.exp(taught)
    assert found["kl_from_teacher"] == pytest.approx((p * (taught - own)).sum(-1).mean(), rel=1e-5)
    assert found["teacher_entropy"] == pytest.approx(-(p * taught).sum(-1).mean(), rel=1e-5)
    right = np.take_along_axis(own, windows[:, 1:, None].astype(int), -1)
    assert found["loss"] == pytest.approx(-right.mean(), rel=1e-5)
    itself = measure((teacher, SMALL), (teacher, SMALL), windows, batch=4)
    assert itself["kl_from_teacher"] == pytest.approx(0, abs=1e-6)
    assert itself["ece_dist"] == 0
    assert itself["ece"] == itself["teacher_ece"]


def test_what_has_a_row_is_not_trained_again(tmp_path, monkeypatch):
    trained = []

    def learn(lesson, text, folders):
        trained.append(lesson.key)
        return dict.fromkeys(MEASURES, 1.5)

    monkeypatch.setattr(practice, "_learn", learn)
    monkeypatch.setattr(practice.corpus, "load", lambda folder: type("Corpus", (), {"parts": {}})())
    planned = practice.lessons(plan.PRACTICE_TEACHERS, 16, 500)
    assert len(planned) == len({lesson.key for lesson in planned})
    path, folders = tmp_path / "table.csv", practice.Folders(tmp_path)
    some = practice.practise(planned, path, folders)
    for _ in range(3):
        next(some)  # and then the command is stopped
    assert len(table.read(path)) == 3
    rest = list(practice.practise(planned, path, folders))
    assert len(rest) == len(planned) - 3
    assert trained == [lesson.key for lesson in planned]
    assert {row["kl_from_teacher"] for row in table.read(path)} == {"1.500000"}


@pytest.mark.slow
def test_recipes_reach_the_training():
    """A student that matches logits comes nearer to them than one that matches probabilities."""
    text = np.random.default_rng(0).integers(0, 32, 20_000).astype(np.uint8)
    teacher = random_params(LARGE, 5)
    members = tuple(
        training.Member(SMALL, 0, Recipe(match_logits=match)) for match in (True, False)
    )
    settings = {"steps": 60, "batch": 8, "learning_rate": 0.01, "seed": 0}
    group = training.Group(members, (LARGE,))
    trained = training.train(group, (teacher,), Windows(text, 16, 0), **settings)
    symbols = text[:1600].reshape(100, 16).astype(np.int32)
    taught = model.forward(teacher, symbols, LARGE)
    errors = [jnp.mean((model.forward(each, symbols, SMALL) - taught) ** 2) for each in trained]
    assert errors[0] < 0.9 * errors[1]
