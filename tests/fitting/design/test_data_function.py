"""A fit as a function of its data: compared with new fits, and with differences of new fits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fitting import (
    FitOptions,
    Huber,
    LogSquares,
    Normal,
    Runs,
    Squares,
    Status,
    StudentT,
    fit,
    fit_as_function,
)
from jaxlaws import presets
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.laws.distillation_exponential import DistillationExponential
from jaxlaws.laws.kaplan import Kaplan
from jaxlaws.laws.supervised import Supervised
from jaxlaws.planning import compute_optimal

NUM = 24
RANDOM = np.random.default_rng(0)
SIZES = np.exp(RANDOM.uniform(np.log(1e7), np.log(1e10), NUM))
TOKENS = np.exp(RANDOM.uniform(np.log(1e9), np.log(1e12), NUM))
NOISE = 1 + 0.01 * RANDOM.normal(size=NUM)
CHANGE = RANDOM.normal(size=NUM)


def table(losses=None):
    """Runs around a published law."""
    law = presets.load("besiroglu2024")
    noisy = law.loss(num_params=SIZES, num_tokens=TOKENS) * NOISE
    loss = noisy if losses is None else losses
    return Runs.read({"num_params": SIZES, "num_tokens": TOKENS, "loss": loss})


def relative(law, other):
    return max(
        float(np.max(np.abs(np.asarray(a) / np.asarray(b) - 1)))
        for a, b in zip(jax.tree.leaves(law), jax.tree.leaves(other), strict=True)
    )


OPTIONS = {
    "log squares": FitOptions(objective=LogSquares()),
    "squares": FitOptions(objective=Squares()),
    "Huber": FitOptions(objective=Huber(1e-2)),
    "Student's t": FitOptions(objective=StudentT(0.01)),
    "frozen and tied": FitOptions(objective=LogSquares(), freeze={"E": 1.8}, tie={"alpha": "beta"}),
    "on a bound": FitOptions(objective=LogSquares(), bounds={"E": (1.95, None)}),
    "priors": FitOptions(objective=LogSquares(), priors={"E": Normal(1.7, 0.02)}),
    "priors beside Huber": FitOptions(objective=Huber(1e-2), priors={"E": Normal(1.7, 0.02)}),
}


FAST = ("on a bound", "priors")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in FAST else pytest.mark.slow) for name in OPTIONS],
)
def test_values_and_derivatives_are_those_of_new_fits(name):
    options = OPTIONS[name].replaced(num_starts=32)
    runs = table()
    f = fit_as_function(fit(Chinchilla, runs, options=options), runs)
    assert relative(f(), f.result.law) < 1e-6

    def moved(share):
        return fit(Chinchilla, table(f.losses * (1 + share * CHANGE)), options=options)

    far = moved(1e-3)
    law, status = f.with_status(f.losses * (1 + 1e-3 * CHANGE))
    # The spread that sets the weight of priors is exact to first order only for Huber's cost.
    assert relative(law, far.law) < (1e-3 if name == "priors beside Huber" else 1e-5)
    assert status == far.status

    step = 1e-5
    high, low = (np.array(jax.tree.leaves(moved(s).law)) for s in (step, -step))
    with jax.enable_x64(True):
        _, slopes = jax.jvp(f, (f.losses,), (f.losses * CHANGE,))
    expected = (high - low) / (2 * step)
    scale = np.abs(expected) + 1e-4 * np.abs(high)
    assert np.max(np.abs(np.array(jax.tree.leaves(slopes)) - expected) / scale) < 2e-3


@pytest.fixture(scope="module")
def f():
    runs = table()
    return fit_as_function(fit(Chinchilla, runs, objective=LogSquares(), num_starts=32), runs)


def test_a_weight_of_zero_leaves_a_run_out(f):
    kept = np.arange(NUM) != 3
    without = fit(Chinchilla, table().where(kept), objective=LogSquares(), num_starts=32)
    assert relative(f(weights=kept.astype(float)), without.law) < 1e-6


def planned_size(f, share, change=CHANGE):
    """The logarithm of a planned size, through the fit and the plan."""
    law = f(f.losses * (1 + share * change))
    return jnp.log(compute_optimal(law, flops=1e23).num_params)


def differences(f, step):
    """Slope and curvature of the planned size, by differences of new fits."""

    def size(share):
        law = f(f.losses * (1 + share * CHANGE))
        return float(np.log(compute_optimal(law, flops=1e23).num_params))

    below, here, above = (size(share) for share in (-step, 0.0, step))
    return (above - below) / (2 * step), (above - 2 * here + below) / step**2


def test_it_is_a_part_of_float32_programs(f):
    slope, _ = differences(f, 1e-3)
    slopes = jax.jit(
        jax.vmap(lambda change: jax.grad(lambda share: planned_size(f, share, change))(0.0))
    )(jnp.stack([CHANGE, 2 * CHANGE]))
    assert slopes.dtype == jnp.float32
    np.testing.assert_allclose(slopes, [slope, 2 * slope], rtol=1e-3)


@pytest.mark.slow
def test_it_is_a_part_of_float64_programs_and_has_second_derivatives(f):
    slope, curvature = differences(f, 1e-3)
    with jax.enable_x64(True):
        first = jax.grad(lambda share: planned_size(f, share))
        assert first(0.0) == pytest.approx(slope, rel=1e-3)
        assert jax.jit(jax.grad(first))(0.0) == pytest.approx(curvature, rel=1e-2)


def two_kinds(change=0.0):
    """Supervised and distilled runs in one table, with losses changed in proportion."""
    first = presets.load("busbridge2025_supervised")
    law = DistillationExponential(
        supervised=first, A=9.0, alpha=0.11, B=6e4, beta=0.5, c0=1.4, kappa=1.5, f1=0.2
    )
    random = np.random.default_rng(1)
    sizes, tokens = np.exp(random.uniform(np.log([[1e8], [2e9]]), np.log([[6e9], [3e11]]), (2, 90)))
    teacher = np.exp(random.uniform(np.log(1.9), np.log(2.9), 90))
    teacher[:30] = np.nan
    alone = first.loss(num_params=sizes[:30], num_tokens=tokens[:30])
    taught = law.loss(
        num_student_params=sizes[30:], num_student_tokens=tokens[30:], teacher_loss=teacher[30:]
    )
    losses = np.concatenate([alone, taught]) * (1 + 2e-3 * random.normal(size=90))
    columns = {"num_student_params": sizes, "num_student_tokens": tokens, "teacher_loss": teacher}
    columns |= {"num_params": np.where(np.isnan(teacher), sizes, np.nan)}
    columns |= {"num_tokens": np.where(np.isnan(teacher), tokens, np.nan)}
    for name in ("num_student_params", "num_student_tokens"):
        columns[name] = np.where(np.isnan(teacher), np.nan, columns[name])
    return Runs.read({**columns, "loss": losses * (1 + change * random.normal(size=90))})


POINT = {"num_student_params": 1e9, "num_student_tokens": 1e11, "teacher_loss": 2.3}


@pytest.mark.slow
@pytest.mark.parametrize(
    "is_frozen", [pytest.param(False, id="one table"), pytest.param(True, id="two tables")]
)
def test_a_first_stage_moves_too(is_frozen):
    """The loss of a student depends on the supervised runs through the supervised law."""
    options = FitOptions(objective=LogSquares(), num_starts=64)

    def fitted(change):
        runs = two_kinds(change)
        if not is_frozen:
            return fit(DistillationExponential, runs, options=options), runs, None
        alone = runs.for_law(Supervised)
        stage = fit(Supervised, alone, options=options)
        distilled = runs.for_law(DistillationExponential)
        options_now = options.replaced(freeze={"supervised": stage})
        table = distilled.where(np.ones(len(distilled), dtype=bool))
        return fit(DistillationExponential, table, options=options_now), table, alone

    result, runs, alone = fitted(0.0)
    stages = None if alone is None else {"supervised": alone}
    f = fit_as_function(result, runs, stages)
    assert relative(f(), result.law) < 1e-5
    step = 1e-3
    changed = [fitted(sign * step) for sign in (1, -1)]
    losses = [
        fit_as_function(r, t, None if a is None else {"supervised": a}).losses
        for r, t, a in changed
    ]
    log_losses = [np.log(r.law.loss(**POINT)) for r, _, _ in changed]
    with jax.enable_x64(True):
        _, slope = jax.jvp(
            lambda losses: jnp.log(f(losses).loss(**POINT)), (f.losses,), (losses[0] - losses[1],)
        )
    assert slope == pytest.approx(log_losses[0] - log_losses[1], rel=1e-3)


def test_mistakes_are_explained():
    runs = table()
    result = fit(Kaplan, runs, objective=LogSquares(), num_starts=32)
    f = fit_as_function(result, runs)
    with pytest.raises(ValueError, match=r"losses: expected the shape \(24,\), got \(3,\)"):
        f(np.ones(3))
    with pytest.raises(ValueError, match=r"weights: expected the shape \(24,\), got \(\)"):
        f(weights=1.0)
    with pytest.raises(ValueError, match="no stage 'supervised'; it has none"):
        fit_as_function(result, runs, {"supervised": runs})
    with pytest.raises(ValueError, match="pass the runs of the fit"):
        fit_as_function(result, table(runs.loss * 1.1))
    _, status = f.with_status(np.full(NUM, np.nan))
    assert status == Status.NON_FINITE
