"""Plans of laws with arrays of coefficients equal those of the same law with numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws import fix_inputs
from jaxlaws.foundations.batches import batch_shape, scalar_leaves
from jaxlaws.inputs import Input, prediction
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.planning import Mixture, Problem, Question, Record, ask, compute_optimal, over_draws
from jaxlaws.planning import regret as regret_of
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class Arrays:
    """`Chinchilla` with arrays for amplitudes and exponents, and a factor of a share."""

    E: Coefficient = positive()
    amplitudes: Coefficient = positive(shape=2)
    exponents: Coefficient = positive(shape=2)

    own_inputs = {"share": Input("share", may_be_zero=True, at_most=1)}  # noqa: RUF012

    @prediction
    def loss(self, *, num_params, num_tokens, share):
        logs = jnp.log(jnp.stack([num_params, num_tokens], axis=-1))
        amplitudes, exponents = (
            jnp.broadcast_to(each, logs.shape) for each in (self.amplitudes, self.exponents)
        )
        return self.E + share + jnp.sum(amplitudes * jnp.exp(-exponents * logs), axis=-1)


ROWS = np.array([[1.7, 400.0, 2000.0, 0.34, 0.37], [1.8, 500.0, 1500.0, 0.35, 0.36]])
ARRAYS = Arrays(E=ROWS[:, 0], amplitudes=ROWS[:, 1:3], exponents=ROWS[:, 3:])
NUMBERS = Chinchilla(**dict(zip(("E", "A", "B", "alpha", "beta"), ROWS.T, strict=True)))
FIXED = fix_inputs(ARRAYS, share=0.0)
FLOPS = np.array([1e20, 1e21])
ONE = jax.tree.map(lambda leaf: leaf[0], ARRAYS)


def test_a_batch_of_laws():
    assert batch_shape(ARRAYS) == (2,)
    assert [leaf.shape for leaf in jax.tree.leaves(scalar_leaves(ARRAYS))] == [(2,)] * 5
    ours = compute_optimal(FIXED, flops=1e21)
    np.testing.assert_allclose(ours.loss, compute_optimal(NUMBERS, flops=1e21).loss, rtol=1e-12)
    shares = fix_inputs(jax.tree.map(lambda leaf: leaf[0], ARRAYS), share=[0.0, 0.5])
    both = compute_optimal(shares, flops=1e21)
    np.testing.assert_allclose(both.loss[1] - both.loss[0], 0.5, rtol=1e-9)
    np.testing.assert_allclose(both.num_params[0], both.num_params[1], rtol=1e-6)


def test_draws_mixtures_and_regret():
    ours, theirs = (over_draws(compute_optimal, law, {"flops": FLOPS}) for law in (FIXED, NUMBERS))
    np.testing.assert_allclose(ours.num_params, theirs.num_params, rtol=1e-6)
    long = np.geomspace(1e20, 1e21, 64)
    swept = over_draws(compute_optimal, FIXED, {"flops": long})
    np.testing.assert_allclose(swept.loss[:, [0, -1]], ours.loss, rtol=1e-9)
    safe, same = (compute_optimal(Mixture(laws=law), flops=FLOPS) for law in (FIXED, NUMBERS))
    np.testing.assert_allclose(safe.loss, same.loss, rtol=1e-9)
    np.testing.assert_allclose(
        regret_of(safe, FIXED, ours), regret_of(same, NUMBERS, theirs), rtol=1e-3, atol=1e-12
    )


@pytest.mark.slow
def test_derivatives_and_traces():
    number = jax.tree.map(lambda leaf: leaf[0], NUMBERS)
    slopes = jax.grad(lambda law: compute_optimal(fix_inputs(law, share=0.0), flops=1e21).loss)(ONE)
    same = jax.grad(lambda law: compute_optimal(law, flops=1e21).loss)(number)
    np.testing.assert_allclose(slopes.amplitudes, [same.A, same.B], rtol=1e-4)
    mapped = jax.vmap(lambda law: compute_optimal(law, flops=1e21).loss)(FIXED)
    np.testing.assert_allclose(mapped, compute_optimal(NUMBERS, flops=1e21).loss, rtol=1e-5)


def _problem(given):
    def distance(point):
        return jnp.square(point[0] - given.target)

    return Problem(objective=distance, lower=[given.lower["x"]], upper=[given.upper["x"]])


def _plan(given, solution):
    return Record(x=solution.point[0])


NEAREST = Question(problem=_problem, plan=_plan, may_be_negative=("target", "x"))
NEAREST_ABOVE_ZERO = Question(problem=_problem, plan=_plan)


def test_a_question_may_take_inputs_and_bounds_of_any_sign():
    found = ask(NEAREST, ONE, {"target": [-3.0, 0.0, 0.5]}, bounds={"x": (-1.0, 1.0)})
    assert found.x.shape == (3,)
    np.testing.assert_allclose(found.x, [-1.0, 0.0, 0.5], atol=1e-6)
    with pytest.raises(ValueError, match="target must be finite, got inf"):
        ask(NEAREST, ONE, {"target": np.inf}, bounds={"x": (-1.0, 1.0)})
    with pytest.raises(ValueError, match="target must be positive and finite, got -3"):
        ask(NEAREST_ABOVE_ZERO, ONE, {"target": -3.0}, bounds={"x": (1.0, 2.0)})


def test_a_plan_needs_a_law_of_one_outcome():
    @pytree
    class Several(Chinchilla):
        outcomes = ("loss_web", "loss_code")

    law = Several(E=1.7, A=400.0, B=400.0, alpha=0.34, beta=0.28)
    with pytest.raises(TypeError, match="Several of num_params, num_tokens predicts several"):
        compute_optimal(law, flops=1e21)
