"""The distilling losses against float64 and against Optax."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxlaws.distilling.losses import (
    distilling_loss,
    logit_loss,
    next_token_loss,
    student_loss,
    z_loss,
)

TOKENS, VOCABULARY = 64, 128
DIRECTIONS = ["forward", "reverse"]


def draw(scale, seed=0):
    """Logits of student and teacher, and targets, in float64."""
    random = np.random.default_rng(seed)
    student, teacher = random.normal(0, scale, (2, TOKENS, VOCABULARY))
    return student, teacher, random.integers(0, VOCABULARY, TOKENS)


def log_softmax(logits):
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def reference_distilling(student, teacher, temperature, direction):
    s, t = log_softmax(student / temperature), log_softmax(teacher / temperature)
    forward = -(np.exp(t) * s).sum(-1)
    reverse = (np.exp(s) * (s - t)).sum(-1)
    return temperature**2 * {"forward": forward, "reverse": reverse}[direction]


@pytest.mark.parametrize("scale", [0.1, 3.0, 100.0])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_distilling_loss_equals_float64(scale, temperature, direction):
    student, teacher, _ = draw(scale)
    expected = reference_distilling(student, teacher, temperature, direction)
    got = distilling_loss(
        jnp.float32(student), jnp.float32(teacher), temperature=temperature, direction=direction
    )
    # float32 rounds logits of size 100 by up to 4e-6, and log-probabilities (about 5) by 3e-7
    atol = 3e-6 * temperature**2 * max(scale, 1.0)
    np.testing.assert_allclose(got, expected, rtol=3e-6, atol=atol)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_bfloat16_logits_are_summed_in_float32(direction):
    student, teacher, targets = draw(3.0)
    low = jnp.bfloat16(student), jnp.bfloat16(teacher)
    rounded = [np.asarray(each, np.float64) for each in low]
    got = distilling_loss(*low, direction=direction)
    assert got.dtype == jnp.float32
    expected = reference_distilling(*rounded, 1.0, direction)
    np.testing.assert_allclose(got, expected, rtol=3e-6, atol=1e-6)
    assert next_token_loss(low[0], targets).dtype == jnp.float32
    assert z_loss(low[0]).dtype == jnp.float32


def test_float64_stays_float64(x64):
    student, teacher, targets = draw(3.0)
    got = student_loss(student, teacher, targets, mixing=0.3, temperature=2.0)
    assert got.dtype == jnp.float64
    text = -np.take_along_axis(log_softmax(student), targets[:, None], -1)[:, 0]
    scale = np.log(np.exp(student).sum(-1))
    expected = 0.7 * text + 0.3 * reference_distilling(student, teacher, 2.0, "forward")
    np.testing.assert_allclose(got, expected + 1e-4 * scale**2, rtol=1e-13)


def test_next_token_loss_equals_optax():
    student, _, targets = draw(3.0)
    logits = jnp.float32(student)
    expected = optax.losses.softmax_cross_entropy_with_integer_labels(logits, jnp.array(targets))
    np.testing.assert_allclose(next_token_loss(logits, targets), expected, rtol=1e-6, atol=1e-6)


def test_distilling_loss_equals_optax():
    student, teacher, _ = (jnp.float32(each) for each in draw(3.0))
    probabilities = jax.nn.softmax(teacher)
    cross_entropy = optax.losses.softmax_cross_entropy(student, probabilities)
    np.testing.assert_allclose(distilling_loss(student, teacher), cross_entropy, rtol=2e-6)

    # optax names the model's log-probabilities first and the target distribution second
    reverse = optax.losses.kl_divergence(jax.nn.log_softmax(teacher), jax.nn.softmax(student))
    got = distilling_loss(student, teacher, direction="reverse")
    np.testing.assert_allclose(got, reverse, rtol=2e-6, atol=1e-6)


def test_gradient_of_forward_distilling_is_the_difference_of_distributions():
    student, teacher, _ = (jnp.float32(each) for each in draw(2.0))
    gradient = jax.grad(lambda z: distilling_loss(z, teacher).sum())(student)
    np.testing.assert_allclose(
        gradient, jax.nn.softmax(student) - jax.nn.softmax(teacher), atol=1e-6
    )


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_tau_squared_keeps_the_gradient_at_high_temperature(direction):
    student, teacher, _ = (jnp.float32(each) for each in draw(1.0))
    gradient = jax.grad(
        lambda z: distilling_loss(z, teacher, temperature=1e3, direction=direction).sum()
    )(student)
    centred = student - teacher
    centred -= centred.mean(-1, keepdims=True)
    # the limit of Hinton et al. 2015; float32 sums leave about 1e-4 of it at this temperature
    np.testing.assert_allclose(gradient, centred / VOCABULARY, atol=2e-4)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_logit_loss_is_the_limit_of_high_temperature(direction, x64):
    """Hinton et al. 2015, for logits of mean zero; the next term falls as one over tau."""
    student, teacher = (each - each.mean(-1, keepdims=True) for each in draw(1.0)[:2])
    divergence = distilling_loss(student, teacher, temperature=1e4, direction=direction)
    if direction == "forward":
        divergence -= distilling_loss(teacher, teacher, temperature=1e4)
    expected = ((student - teacher) ** 2).sum(-1) / (2 * VOCABULARY)
    np.testing.assert_allclose(logit_loss(student, teacher), expected, rtol=1e-13)
    np.testing.assert_allclose(divergence, expected, rtol=1e-3)
    assert (logit_loss(student + 5, teacher) > expected + 12).all()  # it sees a constant


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_teacher_itself_is_the_best_student(direction):
    student, teacher, _ = (jnp.float32(each) for each in draw(2.0))
    best = distilling_loss(teacher, teacher, direction=direction)
    assert (distilling_loss(student, teacher, direction=direction) > best).all()
    entropy = -(jax.nn.softmax(teacher) * jax.nn.log_softmax(teacher)).sum(-1)
    expected = entropy if direction == "forward" else jnp.zeros(TOKENS)
    np.testing.assert_allclose(best, expected, rtol=1e-6, atol=1e-6)


def test_a_constant_added_to_all_logits_changes_only_the_z_loss():
    student, teacher, targets = draw(2.0)
    student, teacher = jnp.float32(student), jnp.float32(teacher)
    near = {"rtol": 1e-5, "atol": 1e-5}
    np.testing.assert_allclose(
        next_token_loss(student + 5, targets), next_token_loss(student, targets), **near
    )
    np.testing.assert_allclose(
        distilling_loss(student + 5, teacher - 3), distilling_loss(student, teacher), **near
    )
    log_scale = jax.nn.logsumexp(student, axis=-1)
    np.testing.assert_allclose(z_loss(student + 5), (log_scale + 5) ** 2, **near)


def test_mixing_runs_from_the_text_to_the_teacher():
    student, teacher, targets = draw(2.0)
    student, teacher = jnp.float32(student), jnp.float32(teacher)
    text = student_loss(student, teacher, targets, mixing=0.0, z_weight=0.0)
    np.testing.assert_allclose(text, next_token_loss(student, targets), rtol=1e-6)
    distilled = student_loss(student, teacher, targets, z_weight=0.0)
    np.testing.assert_allclose(distilled, distilling_loss(student, teacher), rtol=1e-6)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_masked_symbols_add_nothing_and_leave_gradients_finite(direction):
    student, teacher, _ = (jnp.float32(each) for each in draw(2.0))
    mask = jnp.arange(VOCABULARY) < 100

    def masked(z, t):
        z, t = (jnp.where(mask[None, :], each, -jnp.inf) for each in (z, t))
        return distilling_loss(z, t, direction=direction)

    expected = distilling_loss(student[:, :100], teacher[:, :100], direction=direction)
    np.testing.assert_allclose(masked(student, teacher), expected, rtol=1e-6, atol=1e-6)
    gradient = jax.grad(lambda z: masked(z, teacher).sum())(student)
    assert jnp.isfinite(gradient).all()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_jit_and_vmap_equal_the_plain_call(direction):
    student, teacher, _ = (jnp.float32(each) for each in draw(2.0))

    def loss(z, t):
        return distilling_loss(z, t, temperature=2.0, direction=direction)

    plain = loss(student, teacher)
    np.testing.assert_allclose(jax.jit(loss)(student, teacher), plain, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(jax.vmap(loss)(student, teacher), plain, rtol=1e-6, atol=1e-6)


def test_mistakes_are_reported():
    student, teacher, targets = draw(1.0)
    with pytest.raises(ValueError, match="one shape"):
        distilling_loss(student, teacher[:, :-1])
    with pytest.raises(ValueError, match="'sideways'"):
        distilling_loss(student, teacher, direction="sideways")
    with pytest.raises(TypeError, match="expected integers"):
        next_token_loss(student, targets.astype(float))
    with pytest.raises(ValueError, match=r"expected the shape \(64,\)"):
        next_token_loss(student, targets[:-1])
