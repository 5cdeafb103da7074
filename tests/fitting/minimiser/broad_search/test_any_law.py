"""Laws of free signs, without units and of very different sizes end at SciPy's optimum."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import least_squares

from fitting import LogSquares, Runs, Squares, Status, fit
from jaxlaws.laws.farseer import Farseer
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree, real

N, D = (a.ravel() for a in np.meshgrid(np.geomspace(6e7, 1e9, 8), np.geomspace(2e9, 1e11, 8)))


def noise(size, seed):
    return size * np.random.default_rng(seed).normal(size=len(N))


POWERS = 1.8 + 482 * N**-0.348 + 2085 * D**-0.366


def runs(loss):
    return Runs.read({"num_params": N, "num_tokens": D, "loss": loss})


@pytree
class LogQuadratic:
    """`exp` of a quadratic in the logarithms of size and tokens."""

    c0: Coefficient = real()
    c1: Coefficient = real()
    c2: Coefficient = real()
    c3: Coefficient = real()
    c4: Coefficient = real()
    c5: Coefficient = real()

    input_names = ("num_params", "num_tokens")

    def loss(self, *, num_params, num_tokens):
        n, d = jnp.log(num_params), jnp.log(num_tokens)
        linear = self.c0 + self.c1 * n + self.c2 * d
        return jnp.exp(linear + self.c3 * n * n + self.c4 * d * d + self.c5 * n * d)


def test_a_law_that_is_linear_in_its_logarithm_ends_at_least_squares():
    loss = POWERS * np.exp(noise(5e-3, 0))
    n, d = np.log(N), np.log(D)
    design = np.stack([np.ones_like(n), n, d, n * n, d * d, n * d], axis=1)
    fitted = design @ np.linalg.lstsq(design, np.log(loss), rcond=None)[0]
    result = fit(LogQuadratic, runs(loss), objective=LogSquares())
    assert result.status is Status.CONVERGED
    assert result.objective == pytest.approx(0.5 * np.sum((fitted - np.log(loss)) ** 2), rel=1e-9)


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e7])
def test_outcomes_of_any_size_end_at_the_least_squares_of_scipy(unit):
    """The tolerance of the gradient is relative to the outcomes."""
    loss = unit * POWERS * np.exp(noise(1e-2, 3))
    n, d = np.log(N), np.log(D)
    design = np.stack([np.ones_like(n), n, d, n * n, d * d, n * d], axis=1)
    start = np.linalg.lstsq(design, np.log(loss), rcond=None)[0]
    scipy = least_squares(
        lambda c: np.exp(design @ c) / unit - loss / unit,
        start,
        jac=lambda c: np.exp(design @ c)[:, None] / unit * design,
        x_scale="jac",
        xtol=1e-15, ftol=1e-15, gtol=1e-15,
    )  # fmt: skip
    result = fit(LogQuadratic, runs(loss), objective=Squares())
    assert result.status is Status.CONVERGED
    assert result.objective / unit**2 == pytest.approx(scipy.cost, rel=1e-9)


@pytree
class TwoTerms:
    """Two power terms whose factors and exponents may have either sign."""

    p0: Coefficient = real()
    p1: Coefficient = real()
    p2: Coefficient = real()
    p3: Coefficient = real()
    p4: Coefficient = real()
    p5: Coefficient = real()

    input_names = ("num_params", "num_tokens")

    def loss(self, *, num_params, num_tokens):
        first = self.p0 * power(num_tokens, self.p1) * power(num_params, self.p2)
        return first + self.p3 * power(num_params, self.p4) + self.p5


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))]
)
def test_two_power_terms_of_free_sign(seed):
    loss = 1.55 + 37.9 * N**-0.19 * (D / 2e9) ** -0.07 + noise(0.05, seed)

    def residuals(p):
        first = p[0] * (D / 2e9) ** p[1] * (N / 1e8) ** p[2]
        return np.clip(first + p[3] * (N / 1e8) ** p[4] + p[5] - loss, -1e6, 1e6)

    random = np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        best = min(
            least_squares(residuals, random.normal(size=6), bounds=(-50, 50), max_nfev=300).cost
            for _ in range(30)
        )
    result = fit(TwoTerms, runs(loss), objective=Squares(), seed=seed)
    assert result.objective <= best * (1 + 1e-9)


@pytree
class Saturating:
    """`a + b / (1 + (D / D0)**h)`, with D0 in tokens but no unit declared."""

    a: Coefficient = real()
    b: Coefficient = real()
    D0: Coefficient = positive()
    h: Coefficient = positive()

    input_names = ("num_tokens",)

    def loss(self, *, num_tokens):
        return self.a + self.b / (1 + power(num_tokens / self.D0, self.h))


@pytree
class Decay:
    """`a + b exp(k D)`, with a rate k of about 1e-11 per token and of either sign."""

    a: Coefficient = real()
    b: Coefficient = real()
    k: Coefficient = real()

    input_names = ("num_tokens",)

    def loss(self, *, num_tokens):
        return self.a + self.b * jnp.exp(self.k * num_tokens)


@pytree
class Steep:
    """`E + A N**a + B D**b`, with free signs."""

    E: Coefficient = real()
    A: Coefficient = real()
    a: Coefficient = real()
    B: Coefficient = real()
    b: Coefficient = real()

    input_names = ("num_params", "num_tokens")

    def loss(self, *, num_params, num_tokens):
        return self.E + self.A * power(num_params, self.a) + self.B * power(num_tokens, self.b)


KNOWN = {
    "scale of 1e10": (Saturating(a=2.0, b=3.0, D0=1.5e10, h=0.9), 1.0),
    "rate of 1e-11": (Decay(a=2.0, b=1.5, k=-5e-11), 1.0),
    "factor of 1e14": (Steep(E=1.5, A=3e14, a=-1.9, B=2e3, b=-0.36), 1.0),
    "outcomes of 1e-9": (Steep(E=1.5e-9, A=5e-7, a=-0.35, B=2e-6, b=-0.36), 1e-9),
    "outcomes of 1e6": (Steep(E=1.5e6, A=5e8, a=-0.35, B=2e9, b=-0.36), 1e6),
}


@pytest.mark.parametrize("name", KNOWN)
def test_coefficients_of_any_size_are_found(name, x64):
    """The reference starts at the true coefficients, so it ends at their optimum."""
    law, unit = KNOWN[name]
    inputs = {each: {"num_params": N, "num_tokens": D}[each] for each in law.input_names}
    loss = np.asarray(law.loss(**inputs)) + noise(2e-3, 1) * unit
    names = [field.name for field in dataclasses.fields(law)]
    truth = np.array([getattr(law, each) for each in names])

    def residuals(shares):
        tried = type(law)(**dict(zip(names, shares * truth, strict=True)))
        return (np.asarray(tried.loss(**inputs)) - loss) / unit

    reference = least_squares(residuals, np.ones(len(truth)), xtol=1e-15, ftol=1e-15, gtol=1e-15)
    result = fit(type(law), runs(loss), objective=Squares())
    assert result.objective <= reference.cost * unit**2 * (1 + 1e-6)
    assert result.status is Status.CONVERGED


def test_a_linear_law_with_a_condition_number_of_1e8_ends_at_least_squares():
    """A polynomial of degree 5 in the logarithm of the size, as one array of coefficients."""
    degrees = np.arange(6)

    @pytree
    class Polynomial:
        c: Coefficient = real(shape=(6,))

        input_names = ("num_params",)

        def loss(self, *, num_params):
            return jnp.log(num_params)[:, None] ** degrees[None] @ self.c

    loss = POWERS * np.exp(noise(5e-3, 7))
    design = np.log(N)[:, None] ** degrees
    design = design / np.linalg.norm(design, axis=0)
    left, singular, _ = np.linalg.svd(design, full_matrices=False)
    assert singular[0] / singular[-1] > 1e8
    best = 0.5 * np.sum((loss - left @ (left.T @ loss)) ** 2)
    result = fit(Polynomial, runs(loss), objective=Squares())
    assert result.objective == pytest.approx(best, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_nested_exponents_end_below_the_objective_of_the_truth(seed, x64):
    truth = Farseer(
        a1=-1.67, b1=3.13, alpha=0.046, a2=231.0, b2=-1.54, beta=-0.173, a3=-0.0625, b3=0.128,
        gamma=0.13,
    )  # fmt: skip
    exact = np.asarray(truth.loss(num_params=N, num_tokens=D))
    loss = exact * np.exp(noise(1e-3, seed))
    result = fit(Farseer, runs(loss), objective=Squares(), seed=seed)
    assert result.objective <= 0.5 * np.sum((exact - loss) ** 2)
