"""Laws of data mixtures: the formulas anew, names of classes, saving, and recovery from runs."""

import numpy as np
import pytest

import jaxlaws
from fitting import Runs, Squares, fit
from jaxlaws.laws.further_inputs.data_mixing import mixing_law
from jaxlaws.laws.further_inputs.linear_mixing import linear_mixing_law

pytestmark = pytest.mark.usefixtures("x64")

DOMAINS, OUTCOMES = ("web", "code", "books"), ("loss_web", "loss_code")
ONE, SEVERAL = mixing_law(*DOMAINS), mixing_law(*DOMAINS, outcomes=OUTCOMES)
c = np.array([1.5, 0.6])
t = np.array([[0.1, 0.9, 0.3], [0.7, -0.8, 0.5]])
w = np.array([[2.0, 2.9, 2.4], [2.2, 0.9, 2.1]])


def mixtures(count):
    shares = np.random.default_rng(0).dirichlet([1.0, 0.7, 0.5], count)
    shares[:3] = np.eye(3)
    return shares


def by_name(shares):
    return dict(zip(DOMAINS, shares.T, strict=True))


def test_the_formulas_anew():
    """With the factor k of the paper: `t_ij` here is `log k_i` plus that of the paper."""
    shares, k = mixtures(20), np.array([3.0, 1.4])
    expected = c + k * np.exp(shares @ (t - np.log(k)[:, None]).T)
    predicted = SEVERAL(c=c, t=t).loss(**by_name(shares))
    np.testing.assert_allclose(predicted, expected, rtol=1e-13)
    for i in range(2):
        predicted = ONE(c=c[i], t=t[i]).loss(**by_name(shares))
        np.testing.assert_allclose(predicted, expected[:, i], rtol=1e-13)
    linear = linear_mixing_law(*DOMAINS, outcomes=OUTCOMES)(w=w)
    np.testing.assert_allclose(linear.loss(**by_name(shares)), shares @ w.T, rtol=1e-13)


def test_a_domain_keeps_its_coefficient_whatever_the_order_of_its_share():
    law = ONE(c=1.0, t=np.array([0.0, 1.0, 2.0]))
    assert float(law.loss(books=1.0, code=0.0, web=0.0)) == pytest.approx(1 + np.exp(2))


def test_the_same_arguments_give_the_same_class():
    assert mixing_law(*DOMAINS) is ONE
    assert ONE is not SEVERAL
    assert ONE.__qualname__ != SEVERAL.__qualname__
    for wrong in [("web",), ("web", "web"), ()]:
        with pytest.raises(TypeError, match="two or more different domains"):
            mixing_law(*wrong)
        with pytest.raises(TypeError, match="two or more different domains"):
            linear_mixing_law(*wrong)


@pytest.mark.parametrize("law", [ONE(c=1.5, t=t[0]), SEVERAL(c=c, t=t)], ids=["one", "several"])
def test_a_saved_law_is_loaded(law, tmp_path):
    jaxlaws.save(law, tmp_path / "law.json")
    loaded = jaxlaws.load(tmp_path / "law.json")
    assert type(loaded) is type(law)
    shares = by_name(mixtures(5))
    np.testing.assert_array_equal(loaded.loss(**shares), law.loss(**shares))


def test_a_fit_recovers_the_law():
    shares = mixtures(60)
    noise = np.exp(1e-3 * np.random.default_rng(1).normal(size=60))
    loss = noise * np.asarray(ONE(c=1.5, t=t[0]).loss(**by_name(shares)))
    result = fit(ONE, Runs.read(by_name(shares) | {"loss": loss}, law_type=ONE))
    unseen = np.random.default_rng(2).dirichlet([1.0, 1.0, 1.0], 50)
    np.testing.assert_allclose(
        result.law.loss(**by_name(unseen)), 1.5 + np.exp(unseen @ t[0]), rtol=3e-3
    )


@pytest.mark.slow
def test_a_fit_recovers_several_losses_at_once():
    shares = mixtures(60)
    noise = np.exp(1e-3 * np.random.default_rng(1).normal(size=(60, 2)))
    loss = noise * np.asarray(SEVERAL(c=c, t=t).loss(**by_name(shares)))
    columns = dict(zip(OUTCOMES, loss.T, strict=True))
    result = fit(SEVERAL, Runs.read(by_name(shares) | columns, law_type=SEVERAL))
    unseen = np.random.default_rng(2).dirichlet([1.0, 1.0, 1.0], 50)
    predicted = result.law.loss(**by_name(unseen))
    np.testing.assert_allclose(predicted, c + np.exp(unseen @ t.T), rtol=3e-3)


def test_the_linear_law_is_least_squares():
    linear = linear_mixing_law(*DOMAINS)
    shares = mixtures(40)
    loss = shares @ w[0] * np.exp(1e-2 * np.random.default_rng(1).normal(size=40))
    runs = Runs.read(by_name(shares) | {"loss": loss}, law_type=linear)
    result = fit(linear, runs, objective=Squares())
    expected, *_ = np.linalg.lstsq(shares, loss)
    np.testing.assert_allclose(result.law.w, expected, rtol=1e-6)
