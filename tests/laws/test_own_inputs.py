"""Inputs that a law declares itself, what is refused when a class is defined, and fixed inputs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.foundations.law import Law, fix_inputs
from jaxlaws.inputs import INPUTS, Input, inputs_of, prediction
from jaxlaws.planning import FREE_TEACHER as FREE
from jaxlaws.planning import Mixture, compute_optimal, distill
from jaxlaws.powers import power
from jaxlaws.pytree import LAW_CLASSES, Coefficient, positive, pytree

RATE = Input(meaning="peak learning rate", unit="")


@pytree
class Tuned:
    """`loss = E + A / N**alpha + B / D**alpha + k * log(lr / best)**2`."""

    E: Coefficient = positive()
    A: Coefficient = positive(unit_of="num_params", power="alpha")
    B: Coefficient = positive(unit_of="num_tokens", power="alpha")
    alpha: Coefficient = positive()
    k: Coefficient = positive()
    best: Coefficient = positive(unit_of="learning_rate")

    own_inputs = {"learning_rate": RATE}  # noqa: RUF012

    @prediction
    def loss(self, *, num_params, num_tokens, learning_rate):
        """Predict the loss of a run."""
        rest = self.A * power(num_params, -self.alpha) + self.B * power(num_tokens, -self.alpha)
        return self.E + rest + self.k * jnp.log(learning_rate / self.best) ** 2


LAW = Tuned(E=1.8, A=500.0, B=2000.0, alpha=0.36, k=0.02, best=6e-4)
DRAWS = jax.tree.map(lambda leaf: leaf * np.array([0.98, 1.0, 1.03]), LAW)


def define(own, **body):
    """Define a class of a law with these inputs of its own."""

    @pytree
    class Defined:
        E: Coefficient = positive()
        own_inputs = own

        @prediction
        def loss(self, *, num_params, hidden_dim):
            return self.E + num_params * hidden_dim

    return Defined


def test_names_of_inputs_come_from_the_formula():
    assert isinstance(LAW, Law)
    assert Tuned.input_names == ("num_params", "num_tokens", "learning_rate")
    assert inputs_of(LAW)["learning_rate"] is RATE
    assert inputs_of(Tuned)["num_params"] is INPUTS["num_params"]
    assert Tuned in LAW_CLASSES


def test_an_unknown_input_is_refused_with_both_remedies():
    with pytest.raises(TypeError, match=r"'hidden_dim'.*own_inputs = .*a name that jaxlaws knows"):
        define({})
    assert define({"hidden_dim": Input("width")}).input_names == ("num_params", "hidden_dim")


def test_a_misspelt_input_is_reported_with_the_near_one():
    with pytest.raises(TypeError, match=r"unknown input 'num_parms' \(did you mean 'num_params'\?"):

        @pytree
        class Misspelt:
            E: Coefficient = positive()

            @prediction
            def loss(self, *, num_parms):
                return self.E + num_parms


def test_an_input_that_is_not_keyword_only_is_refused():
    with pytest.raises(TypeError, match=r"'num_params' must be keyword-only"):

        @prediction
        def loss(self, num_params):
            return num_params


@pytest.mark.parametrize(
    ("own", "reported"),
    [
        ({"hidden_dim": RATE, "num_tokens": RATE}, "already uses the name 'num_tokens'"),
        ({"hidden_dim": RATE, "loss": RATE}, "already uses the name 'loss'"),
        ({"hidden_dim": "width"}, "expected an Input as 'hidden_dim'"),
        (["hidden_dim"], "must be a mapping"),
    ],
)
def test_inputs_that_cannot_be_a_laws_own(own, reported):
    with pytest.raises(TypeError, match=reported):
        define(own)


@pytest.mark.parametrize("names", [("num_tokens",), ("num_params", "num_tokens"), "num_params"])
def test_declared_names_are_those_of_the_formula(names):
    with pytest.raises(TypeError, match="Leave input_names out"):

        @pytree
        class Other:
            E: Coefficient = positive()
            input_names = names

            @prediction
            def loss(self, *, num_params):
                return self.E + num_params


def test_a_plain_formula_may_declare_later_but_is_not_read():
    """Without `@prediction` nothing is checked at the definition, as the names may yet change."""

    @pytree
    class Plain:
        E: Coefficient = positive()
        input_names = ("lr",)

        def loss(self, *, lr):
            return self.E * lr

    with pytest.raises(TypeError, match=r"Plain: unknown input 'lr'.*own_inputs"):
        inputs_of(Plain)


def test_fixed_inputs_leave_a_law_of_the_others():
    law = fix_inputs(LAW, learning_rate=3e-4)
    assert isinstance(law, Law)
    assert law.input_names == ("num_params", "num_tokens")
    sizes = {"num_params": np.array([1e8, 1e9]), "num_tokens": 1e10}
    np.testing.assert_array_equal(law.loss(**sizes), LAW.loss(learning_rate=3e-4, **sizes))
    twice = fix_inputs(law, num_tokens=1e10)
    np.testing.assert_array_equal(
        twice.loss(num_params=1e8), law.loss(num_params=1e8, num_tokens=1e10)
    )
    assert twice.input_names == ("num_params",)
    with pytest.raises(TypeError, match="multiple values"):
        law.loss(learning_rate=1e-3, **sizes)


@pytest.mark.parametrize("double", [False, True])
def test_fixed_inputs_keep_the_precision(double):
    with jax.enable_x64(double):
        law = fix_inputs(LAW, learning_rate=3e-4)
        sizes = {name: np.float32(1e9) for name in law.input_names}
        assert law.loss(**sizes).dtype == jnp.float32
        batch = jax.vmap(lambda each: each.loss(num_params=1e9, num_tokens=1e10))(
            fix_inputs(DRAWS, learning_rate=3e-4)
        )
        assert batch.shape == (3,)
        slope = jax.grad(lambda rate: fix_inputs(LAW, learning_rate=rate).loss(**sizes))(1e-3)
        np.testing.assert_allclose(slope, 2 * 0.02 * np.log(1e-3 / 6e-4) / 1e-3, rtol=1e-5)


def test_arrays_of_fixed_values_are_a_batch_of_laws():
    rates = np.array([1e-4, 3e-4, 1e-3, 3e-3])
    laws = fix_inputs(LAW, learning_rate=rates)
    assert {np.shape(leaf) for leaf in jax.tree.leaves(laws)} == {(4,)}
    losses = jax.vmap(lambda law: law.loss(num_params=1e9, num_tokens=1e10))(laws)
    expected = LAW.loss(num_params=1e9, num_tokens=1e10, learning_rate=rates)
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
    with pytest.raises(ValueError, match="broadcast"):
        fix_inputs(DRAWS, learning_rate=rates)


def test_a_plan_of_a_law_with_fixed_inputs():
    """The learning rate adds a constant, so that the plan is that of the law without it."""
    good, bad = (
        compute_optimal(fix_inputs(LAW, learning_rate=r), flops=1e21) for r in (6e-4, 3e-3)
    )
    exponents = float(good.num_params / good.num_tokens), LAW.A / LAW.B
    np.testing.assert_allclose(exponents[0], exponents[1] ** (1 / LAW.alpha), rtol=1e-6)
    np.testing.assert_allclose(bad.num_params, good.num_params, rtol=1e-6)
    assert bad.loss - good.loss == pytest.approx(0.02 * np.log(5) ** 2, rel=1e-6)


def test_plans_of_draws_and_of_their_mean_with_fixed_inputs():
    draws = fix_inputs(DRAWS, learning_rate=3e-4)
    plans = compute_optimal(draws, flops=1e21)
    assert plans.num_params.shape == (3,)
    single = compute_optimal(jax.tree.map(lambda leaf: leaf[2], draws), flops=1e21)
    np.testing.assert_allclose(plans.num_params[2], single.num_params, rtol=1e-8)
    mean = compute_optimal(Mixture(laws=draws), flops=1e21)
    assert mean.loss >= np.mean(plans.loss)


def test_a_distillation_law_keeps_its_supervised_law():
    law = presets.load("busbridge2025_refit")

    @pytree
    class Warmed:
        inner: type(law)
        own_inputs = {"warmth": Input("a temperature")}  # noqa: RUF012

        @property
        def supervised(self):
            return self.inner.supervised

        @prediction
        def loss(self, *, num_student_params, num_student_tokens, teacher_loss, warmth):
            student = {"num_student_params": num_student_params}
            student["num_student_tokens"] = num_student_tokens
            return warmth + self.inner.loss(teacher_loss=teacher_loss, **student)

    question = {"flops": 1e21, "num_student_params": 1e9, "scenario": FREE}
    fixed = distill(fix_inputs(Warmed(inner=law), warmth=0.5), **question)
    plain = distill(law, **question)
    np.testing.assert_allclose(fixed.teacher_loss, plain.teacher_loss, rtol=1e-6)
    assert fixed.loss == pytest.approx(plain.loss + 0.5)


@pytest.mark.parametrize(
    ("law", "values", "reported"),
    [
        (LAW, {"lr": 1.0}, "Tuned does not take lr; its inputs are num_params"),
        (LAW, {"learning_rate": "small"}, "learning_rate must be a number"),
        (3.0, {"learning_rate": 1.0}, "expected a law, got float"),
        (Mixture(laws=DRAWS), {"learning_rate": 1.0}, r"Mixture\(laws=fix_inputs"),
    ],
)
def test_what_cannot_be_fixed(law, values, reported):
    with pytest.raises(TypeError, match=reported):
        fix_inputs(law, **values)
