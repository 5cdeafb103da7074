"""Float64 inside a program of float32."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxlaws import presets
from jaxlaws.planning import compute_optimal
from jaxlaws.powers import power, softplus
from jaxlaws.precision import in_float64, precision_of_results

_TRANSFORMED = {
    "jit": lambda f: jax.jit(f),
    "the derivative of a compiled program": lambda f: jax.grad(jax.jit(f)),
    "a compiled derivative": lambda f: jax.jit(jax.grad(f)),
    "forward mode": lambda f: jax.jacfwd(jax.jit(f)),
    "the second derivative of a compiled program": lambda f: jax.hessian(jax.jit(f)),
    "twice the derivative of a compiled program": lambda f: jax.grad(jax.jit(jax.grad(jax.jit(f)))),
    "the derivative of a scan": lambda f: jax.grad(
        lambda x: lax.scan(lambda total, _: (total + f(x), None), 0.0, jnp.arange(3))[0]
    ),
    "the derivative of a branch": lambda f: jax.jit(
        jax.grad(lambda x: lax.cond(x > 0, f, lambda x: x, x))
    ),
    "a checkpoint": lambda f: jax.jit(jax.grad(jax.checkpoint(f))),
    "a batch": lambda f: lambda x: jax.jit(jax.vmap(jax.grad(f)))(jnp.stack([x, x])),
    "the derivative of a batch": lambda f: (
        lambda x: jax.grad(lambda many: jax.jit(jax.vmap(f))(many).sum())(jnp.stack([x, x]))
    ),
}


def _cancelling(x):
    """About `(3 x)**2.5 + softplus(x)`, with a difference that float32 does not resolve."""
    small = (power(1 + 1e-8 * x, 3.0) - 1) * 1e8
    return power(small, 2.5) + softplus(x)


@pytest.mark.parametrize("name", _TRANSFORMED)
def test_the_result_and_its_derivatives_are_those_of_float64(name):
    transformed = _TRANSFORMED[name]
    found = transformed(lambda x: in_float64(_cancelling, x, jnp.float32))(jnp.float32(1.5))
    assert found.dtype == jnp.float32
    with jax.enable_x64(True):
        exact = transformed(_cancelling)(jnp.float64(1.5))
    np.testing.assert_allclose(found, exact, rtol=3e-7)
    if name == "jit":
        assert abs(float(jax.jit(_cancelling)(jnp.float32(1.5))) - float(exact)) > 0.1


def test_a_function_may_close_over_traced_values():
    @jax.jit
    def slopes(x, scale):
        def product(x, scale):
            return in_float64(lambda x: scale * _cancelling(x), x, jnp.float32)

        return jax.grad(product, argnums=(0, 1))(x, scale)

    with jax.enable_x64(True):
        value, slope = jax.value_and_grad(_cancelling)(1.5)
    found = slopes(jnp.float32(1.5), jnp.float32(2.0))
    np.testing.assert_allclose(found, [2 * float(slope), float(value)], rtol=3e-7)


def test_integers_short_numbers_and_constants():
    def answer(given):
        return {"same": given["constant"] == 1 / 3, "count": jnp.int32(7), "x": given["x"]}

    @jax.jit
    def program(x):
        given = {"x": x, "constant": 1 / 3}
        return in_float64(answer, given, precision_of_results(given))

    found = program(jnp.bfloat16(2))
    assert [leaf.dtype for leaf in jax.tree.leaves(found)] == [jnp.int32, bool, jnp.float32]
    assert jax.tree.map(float, found) == {"count": 7, "same": True, "x": 2}


def test_numbers_of_python_count_where_there_are_no_others(x64):
    """Of a number of Python and one of float32, JAX makes float32; one alone is float64."""
    given = 0.1, 3, np.float32(2), np.float64(2)
    pairs = [(0, 1), (0, 2), (0, 3), (2, 3)]
    found = []
    for first, second in pairs:
        jax.jit(lambda *numbers: found.append(precision_of_results(numbers)))(
            given[first], given[second]
        )
    assert found == [None, jnp.float32, None, None]
    assert compute_optimal(presets.load("besiroglu2024"), flops=jnp.asarray(1e22)).loss.dtype == (
        jnp.float64
    )


def test_softplus():
    values = np.array([-np.inf, -800.0, -3.0, 0.0, 2.0, 800.0, np.inf])
    with jax.enable_x64(True):
        np.testing.assert_allclose(softplus(values), np.logaddexp(values, 0), rtol=1e-15)
        slopes = jax.vmap(jax.grad(softplus))(jnp.asarray(values))
        expected = 1 / (1 + np.exp(-np.clip(values, -700, 700)))
        np.testing.assert_allclose(slopes, expected, rtol=1e-15, atol=1e-300)
