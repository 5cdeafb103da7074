"""The influence of runs on a quantity, compared with new fits without each run."""

import dataclasses

import jax
import jax.numpy as jnp
import narwhals
import numpy as np
import pytest
from laws_of_tests import SizeLaw, TaughtLaw

from fitting import FitOptions, Huber, LogSquares, Runs, fit, influence
from jaxlaws import presets
from jaxlaws.laws.kaplan import Kaplan
from jaxlaws.planning import compute_optimal

NUM = 80
RANDOM = np.random.default_rng(3)
SIZES = np.exp(RANDOM.uniform(np.log(1e7), np.log(1e10), NUM))
TOKENS = np.exp(RANDOM.uniform(np.log(1e9), np.log(1e12), NUM))
LOSS = presets.load("kaplan2020").loss(num_params=SIZES, num_tokens=TOKENS)
NOISY = np.asarray(LOSS) * (1 + 0.01 * RANDOM.normal(size=NUM))


def table(chosen=slice(None), losses=NOISY):
    columns = {"num_params": SIZES, "num_tokens": TOKENS, "loss": losses}
    return Runs.read({name: values[chosen] for name, values in columns.items()})


def size(law):
    return jnp.log(compute_optimal(law, flops=1e22).num_params)


def size_of(law):
    return float(np.log(compute_optimal(law, flops=1e22).num_params))


def fitted(runs, objective=None):
    return fit(Kaplan, runs, objective=objective or LogSquares(), num_starts=32)


@pytest.fixture(scope="module")
def found():
    runs = table()
    return influence(fitted(runs), runs, size)


def test_a_run_left_out(found):
    whole = size_of(fitted(table()).law)
    places = [*found.order[:3], *range(0, NUM, 16)]
    changes = [size_of(fitted(table(np.arange(NUM) != i)).law) - whole for i in places]
    assert found.value == pytest.approx(whole, rel=1e-9)
    assert found.is_refit.all()
    np.testing.assert_allclose(found.if_left_out[places], changes, rtol=1e-4, atol=1e-7)
    assert np.corrcoef(found.first_order, found.if_left_out)[0, 1] > 0.99
    assert (np.diff(np.abs(found.if_left_out[found.order])) <= 0).all()


@pytest.mark.slow
def test_huber_s_cost_with_a_small_delta():
    """There one step of Newton's method is not accurate, and the new fits are."""
    runs, objective = table(), Huber(1e-3)
    result = fitted(runs, objective)
    found = influence(result, runs, size, num_refits=40)
    places = found.order[:4]
    assert found.is_refit[places].all()
    assert found.is_refit.sum() == 40
    changes = [size_of(fitted(table(np.arange(NUM) != i), objective).law) for i in places]
    np.testing.assert_allclose(
        found.if_left_out[places], np.array(changes) - size_of(result.law), rtol=1e-3
    )


def two_kinds(left_out=None):
    """Runs of two sizes of models, the second half of them distilled, in one table."""
    random = np.random.default_rng(4)
    first = SizeLaw(E=1.7, A=400.0, alpha=0.34)
    law = TaughtLaw(alone=first, weight=0.4, shift=0.1)
    sizes, teacher = np.geomspace(1e7, 1e10, 40), random.uniform(1.9, 2.9, 40)
    is_taught = np.arange(40) >= 20
    taught = law.loss(num_student_params=sizes, teacher_loss=teacher)
    losses = np.where(is_taught, taught, first.loss(num_params=sizes))
    columns = {
        "num_params": np.where(is_taught, np.nan, sizes),
        "num_student_params": np.where(is_taught, sizes, np.nan),
        "teacher_loss": np.where(is_taught, teacher, np.nan),
        "loss": losses * (1 + 2e-3 * random.normal(size=40)),
    }
    kept = np.arange(40) != left_out
    return Runs.read({name: values[kept] for name, values in columns.items()})


def student(law):
    return law.loss(num_student_params=1e9, teacher_loss=2.3)


def test_both_stages_of_a_fit():
    """A supervised run moves the student through the supervised law; one table, or two."""
    options = FitOptions(objective=LogSquares(), num_starts=32)

    def value(left_out=None):
        law = fit(TaughtLaw, two_kinds(left_out), options=options).law
        with jax.enable_x64(True):
            return float(student(law))

    whole, runs = value(), two_kinds()
    found = influence(fit(TaughtLaw, runs, options=options), runs, student)
    assert found.is_refit.all()
    for place in (3, 30):
        (here,) = np.flatnonzero(found.rows == place + 1)
        assert found.if_left_out[here] == pytest.approx(value(place) - whole, rel=1e-4)
    alone, taught = (  # without the rows of the other kind
        dataclasses.replace(runs.for_law(each), left=None) for each in (SizeLaw, TaughtLaw)
    )
    frozen = options.replaced(freeze={"alone": fit(SizeLaw, alone, options=options)})
    again = influence(
        fit(TaughtLaw, taught, options=frozen), taught, student, stages={"alone": alone}
    )
    both = [each.if_left_out[np.argsort(each.rows)] for each in (found, again)]
    np.testing.assert_allclose(*both, rtol=1e-4, atol=1e-8)


def test_a_percent_of_a_loss(found):
    step = 1e-3
    ends, place = [], 11
    for sign in (-1, 1):
        losses = NOISY.copy()
        losses[place] *= 1 + sign * step
        ends.append(size_of(fitted(table(losses=losses)).law))
    assert found.per_percent[place] == pytest.approx((ends[1] - ends[0]) / (200 * step), rel=1e-3)


def test_it_is_shown(found):
    text = repr(found)
    first = found.order[0]
    assert "Influence of 80 runs" in text
    assert "The other 68 runs have less influence." in text
    assert text.splitlines()[3].split()[:2] == [str(found.rows[first]), f"{NOISY[first]:.4f}"]
    assert len(found.table().rows) == NUM
    assert max(map(len, text.splitlines())) <= 80
    frame = narwhals.from_native(found.to_frame())
    assert frame["if_left_out"].to_list() == found.if_left_out.tolist()
    assert frame["row"].to_list() == found.to_dict()["row"] == found.rows.tolist()


def test_its_picture(found):
    figure = found.plot(title="a title", unit="log")
    axes, bar = figure.axes
    points = axes.collections[0]
    assert len(points.get_offsets()) == NUM
    least, most = points.get_clim()
    assert (least, most) == (-np.abs(found.if_left_out).max(), np.abs(found.if_left_out).max())
    assert bar.get_ylabel() == "change if the run is left out (log)"
    assert f"row {found.rows[found.order[0]]}" in [text.get_text() for text in axes.texts]


def test_mistakes_are_explained():
    runs = table()
    result = fitted(runs)
    with pytest.raises(ValueError, match=r"expected one number, got an array of shape \(2,\)"):
        influence(result, runs, lambda law: jnp.stack([law.alpha_N, law.alpha_D]))
    with pytest.raises(ValueError, match="the quantity of the fitted law is nan"):
        influence(result, runs, lambda law: jnp.log(-law.alpha_N))
    with pytest.raises(ValueError, match="num_refits"):
        influence(result, runs, size, num_refits=-1)
