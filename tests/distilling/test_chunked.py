"""Chunked losses against the plain ones: values, gradients, and the memory that they take."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws.distilling.chunked import in_chunks, student_loss_from_hidden
from jaxlaws.distilling.losses import student_loss
from jaxlaws.distilling.truncation import keep_top_k

BATCH, WIDTH, TEACHER_WIDTH, VOCABULARY = (3, 7), 8, 12, 40
OPTIONS = {"mixing": 0.7, "temperature": 2.0, "z_weight": 1e-3}


@pytest.fixture(scope="module")
def arrays():
    random = np.random.default_rng(0)
    draw = lambda *shape: random.normal(size=shape).astype(np.float32)  # noqa: E731
    return {
        "student_hidden": draw(*BATCH, WIDTH),
        "student_head": draw(WIDTH, VOCABULARY),
        "teacher_hidden": draw(*BATCH, TEACHER_WIDTH),
        "teacher_head": draw(TEACHER_WIDTH, VOCABULARY),
        "targets": random.integers(0, VOCABULARY, BATCH),
    }


def plain(arrays, truncate=lambda logits: logits, **options):
    """All logits at once."""
    student = arrays["student_hidden"] @ arrays["student_head"]
    teacher = truncate(arrays["teacher_hidden"] @ arrays["teacher_head"])
    return student_loss(student, teacher, arrays["targets"], **options)


def sum_and_slopes(loss, arrays):
    """The sum of a loss over all tokens, and its gradient by the student's arrays."""
    moved = {name: arrays[name] for name in ("student_hidden", "student_head")}
    return jax.jit(jax.value_and_grad(lambda some: loss(arrays | some).sum()))(moved)


@pytest.fixture(scope="module")
def all_at_once(arrays):
    return sum_and_slopes(partial(plain, **OPTIONS), arrays)


@pytest.mark.parametrize("chunk_size", [5, 100])
def test_values_and_gradients_equal_the_plain_ones(arrays, all_at_once, chunk_size):
    """Chunks that do not divide the 21 tokens, and one that is larger than all of them."""

    def chunked(given):
        return student_loss_from_hidden(**given, chunk_size=chunk_size, **OPTIONS)

    value, slopes = sum_and_slopes(chunked, arrays)
    expected, expected_slopes = all_at_once
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    for name, slope in slopes.items():
        np.testing.assert_allclose(slope, expected_slopes[name], rtol=1e-4, atol=1e-5)


def test_losses_keep_their_places_and_the_teacher_can_be_cut(arrays):
    cut = partial(keep_top_k, k=5)
    chunked = partial(student_loss_from_hidden, chunk_size=5, truncate=cut)
    got = jax.jit(lambda given: chunked(**given))(arrays)
    expected = jax.jit(lambda given: plain(given, cut))(arrays)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
    assert got.shape == BATCH


def test_low_precision_states_are_summed_in_float32(arrays):
    states = {name: each for name, each in arrays.items() if name != "targets"}
    low = {name: jnp.bfloat16(each) for name, each in states.items()}
    got = jax.jit(student_loss_from_hidden)(**low, targets=arrays["targets"])
    assert got.dtype == jnp.float32
    rounded = {name: np.asarray(each, np.float32) for name, each in low.items()}
    expected = jax.jit(plain)(arrays | rounded)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_memory_grows_with_the_chunk_and_not_with_the_tokens():
    """Of the compiled gradient: temporary arrays as the compiler lays them out."""
    vocabulary, width, chunk = 4096, 8, 16

    def temporary(loss, tokens):
        hidden = jax.ShapeDtypeStruct((tokens, width), jnp.float32)
        head = jax.ShapeDtypeStruct((width, vocabulary), jnp.float32)
        targets = jax.ShapeDtypeStruct((tokens,), jnp.int32)
        gradient = jax.jit(jax.grad(lambda h, w, t: loss(h, w, h, w, t).sum(), (0, 1)))
        analysis = gradient.lower(hidden, head, targets).compile().memory_analysis()
        return analysis.temp_size_in_bytes

    def whole(h, w, taught, head, t):
        return student_loss(h @ w, taught @ head, t)

    chunked = partial(student_loss_from_hidden, chunk_size=chunk)
    few, many = (temporary(chunked, tokens) for tokens in (64, 1024))
    assert many < 1.5 * few
    # all logits of the plain loss: 1,024 x 4,096 floats for the student alone
    assert temporary(whole, 1024) > 1024 * vocabulary * 4 > 4 * many


def test_any_loss_of_a_token_can_be_mapped():
    tokens = {"x": jnp.arange(10.0), "y": jnp.ones((10, 3))}
    got = in_chunks(lambda token: token["x"] * token["y"].sum(), tokens, chunk_size=4)
    np.testing.assert_allclose(got, 3 * np.arange(10.0))


def test_batch_axes_must_agree(arrays):
    with pytest.raises(ValueError, match=r"teacher_hidden: expected the batch axes \(3, 7\)"):
        student_loss_from_hidden(**(arrays | {"teacher_hidden": arrays["teacher_hidden"][:2]}))
