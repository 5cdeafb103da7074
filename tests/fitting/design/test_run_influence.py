"""The influence of runs on a quantity, compared with new fits without each run."""

import jax.numpy as jnp
import numpy as np
import pytest

from fitting import Huber, LogSquares, Runs, fit, influence
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
