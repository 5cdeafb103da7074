"""The influence of runs on a quantity, compared with new fits without each run."""

import jax.numpy as jnp
import numpy as np
import pytest

from fitting import LogSquares, Runs, fit, influence
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


def fitted(runs):
    return fit(Kaplan, runs, objective=LogSquares(), num_starts=32)


@pytest.fixture(scope="module")
def found():
    runs = table()
    return influence(fitted(runs), runs, size, num_refits=5)


def test_a_run_left_out(found):
    whole = size_of(fitted(table()).law)
    places = [*found.refitted, *range(0, NUM, 8)]
    changes = [size_of(fitted(table(np.arange(NUM) != i)).law) - whole for i in places]
    assert found.value == pytest.approx(whole, rel=1e-9)
    np.testing.assert_allclose(found.exact, changes[:5], rtol=1e-4)
    assert np.corrcoef(found.if_left_out[places], changes)[0, 1] > 0.99
    assert np.abs(found.if_left_out)[found.refitted].min() >= np.sort(np.abs(found.if_left_out))[-5]


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


def test_mistakes_are_explained():
    runs = table()
    result = fitted(runs)
    with pytest.raises(ValueError, match=r"expected one number, got an array of shape \(2,\)"):
        influence(result, runs, lambda law: jnp.stack([law.alpha_N, law.alpha_D]))
    with pytest.raises(ValueError, match="the quantity of the fitted law is nan"):
        influence(result, runs, lambda law: jnp.log(-law.alpha_N))
    with pytest.raises(ValueError, match="num_refits"):
        influence(result, runs, size, num_refits=-1)
