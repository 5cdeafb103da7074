import typing

import jax
import jax.numpy as jnp
import pytest

from fitting import FitChanges, FitOptions, Huber, Runs, fit, fit_groups
from jaxlaws.laws.chinchilla import Chinchilla


def test_the_keywords_are_the_fields():
    assert typing.get_type_hints(FitChanges) == typing.get_type_hints(FitOptions)


def test_a_change_replaces_an_option(simulated):
    few = FitOptions(num_starts=4, freeze={"E": 1.7})
    both = few.replaced(freeze={"E": 1.8}, bootstrap=2)
    assert (both.num_starts, both.freeze, both.bootstrap) == (4, {"E": 1.8}, 2)
    assert few.replaced() == few
    assert float(fit(Chinchilla, simulated, options=few, freeze={"E": 1.8}).law.E) == 1.8


def test_an_unknown_option_is_named(simulated):
    message = r"'bootstraps'; did you mean 'bootstrap'\? the options are objective, num_starts"
    for call in (
        lambda **options: fit(Chinchilla, simulated, **options),
        lambda **options: fit_groups(Chinchilla, simulated, group="mix", own=["E"], **options),
        FitOptions().replaced,
    ):
        with pytest.raises(TypeError, match=message):
            call(bootstraps=10)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"num_starts": True}, ValueError),
        ({"bootstrap": -1}, ValueError),
        ({"starts": "latin"}, ValueError),
        ({"resample": "bootstrap"}, ValueError),
        ({"objective": Huber}, TypeError),
        ({"cluster": "set", "resample": "parametric"}, ValueError),
    ],
)
def test_options_are_checked_when_made(wrong, error):
    with pytest.raises(error, match=next(iter(wrong))):
        FitOptions(**wrong)


def test_groups_have_no_clusters(simulated):
    with pytest.raises(ValueError, match="leave out cluster"):
        fit_groups(Chinchilla, simulated, group="mix", own=["E"], cluster="training")


def test_a_fit_inside_a_trace_names_the_function_that_is_differentiable(simulated):
    columns = {"num_params": [1e8, 1e9, 1e8], "num_tokens": [1e9, 1e9, 1e10]}

    def fitted(losses):
        return fit(Chinchilla, Runs.read({**columns, "loss": losses})).law.E

    for transformed in (jax.grad(fitted), jax.jit(fitted)):
        with pytest.raises(TypeError, match=r"outside of\s+jit.*fit_as_function"):
            transformed(jnp.array([3.0, 2.9, 2.8]))
    with pytest.raises(TypeError, match=r"an option of fit is traced.*fit_as_function"):
        jax.jit(lambda E: fit(Chinchilla, simulated, freeze={"E": E}).law.A)(1.7)
