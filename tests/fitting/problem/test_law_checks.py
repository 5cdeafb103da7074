"""Wrong units are found before the fit, and the message names the coefficient and the remedy."""

import jax.numpy as jnp
import numpy as np
import pytest
from laws_of_tests import SizeLaw, TaughtLaw, WrongUnit

from fitting import Runs, Squares, fit
from fitting.problem.batched_problem import BatchedProblem
from fitting.problem.centring import scales_of
from fitting.problem.law_checks import check_law
from jaxlaws import laws
from jaxlaws.foundations.units import parse_unit
from jaxlaws.pytree import Coefficient, positive, pytree, real

SIZES = np.geomspace(1e7, 1e10, 40)


def powers(values, exponent):
    return jnp.exp(exponent * jnp.log(values))


@pytree
class LogTerm:
    """`loss = A / N**alpha + c + d log N`, where no unit of c makes up for a change of N."""

    A: Coefficient = positive(unit_of="num_params", power="alpha")
    alpha: Coefficient = positive()
    c: Coefficient = real()
    d: Coefficient = real()

    input_names = ("num_params",)

    def loss(self, *, num_params):
        log_size = jnp.log(num_params)
        return self.A * jnp.exp(-self.alpha * log_size) + self.c + self.d * log_size


@pytree
class FixedPower:
    """`loss = E + A / N**alpha + f / N**0.05`, whose last coefficient lacks its unit."""

    E: Coefficient = positive()
    A: Coefficient = positive(unit_of="num_params", power="alpha")
    alpha: Coefficient = positive()
    f: Coefficient = positive()

    input_names = ("num_params",)

    def loss(self, *, num_params):
        terms = self.A * powers(num_params, -self.alpha), self.f * powers(num_params, -0.05)
        return self.E + terms[0] + terms[1]


@pytree
class RightPower(FixedPower):
    """The same with the unit that the message names."""

    f: Coefficient = positive(unit_of="num_params", power=0.05)


@pytree
class Product:
    """`loss = E + A N**-alpha D**(0.6 alpha) + s D`, with units of several inputs."""

    E: Coefficient = positive()
    A: Coefficient = positive(unit="num_params**alpha * num_tokens**(-0.6*alpha)")
    alpha: Coefficient = positive()
    s: Coefficient = real(unit="1 / num_tokens")

    input_names = ("num_params", "num_tokens")

    def loss(self, *, num_params, num_tokens):
        size, tokens = jnp.log(num_params), jnp.log(num_tokens)
        term = self.A * jnp.exp(self.alpha * (0.6 * tokens - size))
        return self.E + term + self.s * num_tokens


@pytree
class WrongProduct(Product):
    """The same, where the unit of A has another exponent of D."""

    A: Coefficient = positive(unit="num_params**alpha * num_tokens**alpha")


RATIOS = np.tile([20.0, 90.0, 400.0, 7.0], 10)
INPUTS = {"num_params": SIZES, "num_tokens": RATIOS * SIZES}


def checked(law_type):
    inputs = {name: INPUTS[name] for name in law_type.input_names}
    check_law(law_type, inputs, scales_of(inputs, law_type))


@pytest.mark.parametrize(
    ("law_type", "message"),
    [
        (
            FixedPower,
            r"f is declared with no unit, but the formula needs the unit num_params\*\*0.05",
        ),
        (
            WrongUnit,
            r"A is declared with the unit num_params, but .* needs the unit num_params\*\*alpha",
        ),
        (WrongProduct, r"num_params\*\*alpha \* num_tokens\*\*\(-0.6 \* alpha\)\. Declare"),
        (LogTerm, r"Leave out the unit of A"),
    ],
)
def test_the_wrong_unit_is_named(law_type, message, x64):
    with pytest.raises(TypeError, match=message):
        checked(law_type)


@pytest.mark.parametrize("law_type", [SizeLaw, RightPower, Product])
def test_right_units_pass(law_type, x64):
    checked(law_type)


@pytest.mark.parametrize("law_type", laws.law_types().values(), ids=laws.law_types())
def test_every_law_of_the_package_passes(law_type, x64):
    rng = np.random.default_rng(0)
    inputs = {name: rng.uniform(1.1, 9, 12) for name in law_type.input_names}
    check_law(law_type, inputs, scales_of(inputs, law_type))


def test_a_sub_law_has_units_of_its_own(x64):
    inputs = {"num_student_params": SIZES, "teacher_loss": np.full(40, 2.0)}
    check_law(TaughtLaw, inputs, scales_of(inputs, TaughtLaw, SizeLaw))


def test_the_check_comes_before_the_fit(monkeypatch):
    def predictions(*_):
        raise AssertionError("the fit has begun")

    monkeypatch.setattr(BatchedProblem, "predictions", predictions)
    runs = Runs.read({"num_params": SIZES, "loss": 1.0 + 3e3 * SIZES**-0.5 + 2.0 * SIZES**-0.05})
    with pytest.raises(TypeError, match="f is declared with no unit"):
        fit(FixedPower, runs, objective=Squares())


def test_the_fit_uses_the_unit_of_a_number_as_power():
    loss = 1.0 + 3e3 * SIZES**-0.5 + 2.0 * SIZES**-0.05
    runs = Runs.read({"num_params": SIZES, "loss": loss})
    result = fit(RightPower, runs, objective=Squares(), num_starts=64)
    np.testing.assert_allclose(result.law.loss(num_params=SIZES), loss, rtol=1e-6)


def test_the_fit_uses_units_of_several_inputs():
    true = Product(E=1.7, A=40.0, alpha=0.3, s=-1e-14)
    with_noise = np.asarray(true.loss(**INPUTS), np.float64)
    result = fit(Product, Runs.read(INPUTS | {"loss": with_noise}), num_starts=32)
    assert result.status.name == "CONVERGED"
    np.testing.assert_allclose(result.law.alpha, 0.3, rtol=1e-3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("num_params**", "expected inputs to powers"),
        ("num_params + 1", "expected inputs to powers"),
        ("num_params * num_params", "names an input twice"),
        ("num_params**f(alpha)", "expected numbers and coefficients"),
        ("2 * num_params", "expected inputs to powers"),
    ],
)
def test_a_unit_that_cannot_be_read_is_an_error(text, message):
    with pytest.raises(ValueError, match=message):
        parse_unit(text)


def test_an_exponent_may_divide_by_a_difference_of_coefficients():
    (power,) = parse_unit("num_params**(alpha/(1-gamma))")
    assert power.exponent_at({"alpha": 0.3, "gamma": 0.4}.__getitem__) == pytest.approx(0.5)


def test_a_unit_names_inputs_and_coefficients_of_its_law():
    def law_with(unit):
        @pytree
        class Law:
            A: Coefficient = positive(unit=unit)
            alpha: Coefficient = positive()
            input_names = ("num_params",)

            def loss(self, *, num_params):
                return self.A * num_params

        return Law

    with pytest.raises(TypeError, match="'num_param' is not an input of the law"):
        law_with("num_param")
    with pytest.raises(TypeError, match=r"'alpha' is not an input.*needs parentheses"):
        law_with("num_params**-0.6*alpha")
    with pytest.raises(TypeError, match="'beta' is not a coefficient"):
        law_with("num_params**beta")
    with pytest.raises(ValueError, match="or unit= alone"):
        positive(unit_of="num_params", unit="num_tokens")
