"""What every law and every preset must promise; they are discovered, not listed."""

import dataclasses
import functools
import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from fitting.problem.bijections import constrain, unconstrain
from jaxlaws import laws, presets
from jaxlaws.foundations.law import Law, coefficient_names
from jaxlaws.inputs import INPUTS, inputs_of, known_inputs
from jaxlaws.pytree import Domain, declarations

TYPES = laws.law_types()
SAMPLE = {
    "num_params": [1e8, 3e9, 7e10],
    "num_tokens": [1e10, 4e9, 5e12],
    "num_student_params": [1e8, 3e9, 7e10],
    "num_student_tokens": [1e10, 4e9, 5e12],
    "teacher_loss": [2.9, 2.2, 1.9],
    "num_unique_tokens": [3e9, 1e9, 6e11],
    "flops": [1e16, 1e17, 9e18],
    "scale": [1e8, 3e9, 7e10],
    "num_experts": [2.0, 8.0, 512.0],
    "granularity": [1.0, 4.0, 16.0],
    "density": [1.0, 0.5, 0.125],
    "weight_bits": [4.0, 8.0, 16.0],
    "activation_bits": [4.0, 8.0, 16.0],
    "kv_bits": [4.0, 8.0, 16.0],
    "post_training_bits": [3.0, 4.0, 8.0],
    "num_nonvocab_params": [1e8, 3e9, 7e10],
    "num_vocab_params": [2e7, 1e8, 5e8],
    "num_streams": [1.0, 2.0, 8.0],
    "learning_rate": [1e-2, 4e-3, 1e-4],
    "batch_size": [1e5, 5e5, 4e6],
    "rate_sum": [3.0, 40.0, 900.0],
    "annealed_rate": [1.0, 2.0, 5.0],
}
# The other inputs may be any integer, and a very large value is near the limit.
BOUNDED = {"teacher_loss", "density", "num_streams", "learning_rate"}
COUNTS = {"parameters", "tokens", INPUTS["flops"].unit, INPUTS["scale"].unit}


def plain_law(law_type):
    """A law of moderate coefficients, where no preset is at hand."""
    values = {}
    for name, declared in declarations(law_type).items():
        value = -0.5 if declared.domain is Domain.REAL else 0.5
        values[name] = np.full(declared.shape, value) if declared.shape else value
    for field in dataclasses.fields(law_type):
        if field.name not in values:
            values[field.name] = plain_law(field.type)
    return law_type(**values)


LAWS = {name: presets.load(name) for name in presets.names()} | {
    f"plain {name}": plain_law(law_type) for name, law_type in TYPES.items()
}


@pytest.fixture(params=LAWS, ids=str)
def law(request):
    return LAWS[request.param]


def sample(law, dtype: Any = np.float64):
    return {name: np.asarray(values_of(name, law), dtype) for name in law.input_names}


def values_of(name, law):
    """Three values of an input; of one that the law declares itself, below its highest value."""
    own = min(inputs_of(law)[name].at_most, 1.0)
    return SAMPLE.get(name, [0.5 * own, 0.3 * own, 0.2 * own])


def is_bounded(name, law):
    return name in BOUNDED or inputs_of(law)[name].at_most < np.inf


def helpful(law, names):
    """Those of some inputs of which more never hurts, which is all unless the law says other."""
    return [name for name in names if name not in getattr(law, "more_can_hurt", ())]


def test_it_is_a_law_with_known_keyword_only_inputs(law):
    assert isinstance(law, Law)
    taken = list(inspect.signature(law.loss).parameters.values())
    if [parameter.kind for parameter in taken] != [inspect.Parameter.VAR_KEYWORD]:
        assert tuple(parameter.name for parameter in taken) == law.input_names
        assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in taken)
    assert tuple(inputs_of(law)) == law.input_names


def test_it_is_immutable(law):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(law, dataclasses.fields(law)[0].name, 1.0)


def test_units_name_an_input_and_a_coefficient(law):
    for part in [law, getattr(law, "supervised", law)]:
        declared = declarations(part)
        for power in (power for declaration in declared.values() for power in declaration.unit):
            assert power.name in part.input_names
            assert all(hasattr(part, name) for name in power.coefficients)


def test_a_change_of_unit_is_a_change_of_the_declared_coefficients(law, x64):
    """Counting in other units moves only the coefficients that carry them."""
    parts = [law, getattr(law, "supervised", law)]
    declared = [each for part in parts for each in declarations(part).values()]
    carried = {power.name for each in declared for power in each.unit}
    units_of = {name: kind.unit or name for name, kind in known_inputs(law).items()}
    kinds = {units_of[name] for name in carried}
    units = {name: 1e9 for name in law.input_names if units_of[name] in kinds}
    units |= dict.fromkeys(carried, 1e9)  # a sub-law's inputs have names of their own

    def rescaled(part):
        changed = {}
        for name, declared in declarations(part).items():
            changed[name] = getattr(part, name)
            for power in declared.unit:
                exponent = power.exponent_at(functools.partial(getattr, part))
                changed[name] = changed[name] / units[power.name] ** exponent
        if hasattr(part, "supervised"):
            changed["supervised"] = rescaled(part.supervised)
        return dataclasses.replace(part, **changed)

    inputs = sample(law)
    smaller = {name: value / units.get(name, 1.0) for name, value in inputs.items()}
    np.testing.assert_allclose(rescaled(law).loss(**smaller), law.loss(**inputs), rtol=1e-12)


def test_constrain_inverts_unconstrain(law, x64):
    back = constrain(unconstrain(law))
    for there, here in zip(jax.tree.leaves(back), jax.tree.leaves(law), strict=True):
        np.testing.assert_allclose(there, here, rtol=1e-12)


def test_gradients_equal_central_differences(law, x64):
    """By every coefficient and every input, in steps relative to its size."""
    inputs = {name: float(value[1]) for name, value in sample(law).items()}
    start, restore = ravel_pytree((law, inputs))
    size = jnp.where(start == 0, 1.0, jnp.abs(start))

    def loss(relative):
        moved, at = restore(start + size * relative)
        return jnp.sum(moved.loss(**at))

    step, point = 1e-6, jnp.zeros_like(start)
    moves = step * jnp.eye(point.size)
    ahead, behind = (jax.jit(jax.vmap(loss))(sign * moves) for sign in (1, -1))
    numeric = (ahead - behind) / (2 * step)
    slopes = jax.jit(jax.grad(loss))(point)
    # A difference loses digits of the largest slope.
    rounding = 1e-9 * max(1.0, float(jnp.abs(slopes).max()))
    np.testing.assert_allclose(slopes, numeric, rtol=1e-5, atol=rounding)


def test_jit_and_vmap_equal_the_plain_call(law, x64):
    inputs = sample(law)
    plain = law.loss(**inputs)
    call = lambda law, inputs: law.loss(**inputs)  # noqa: E731
    np.testing.assert_allclose(jax.jit(call)(law, inputs), plain, rtol=1e-14)
    np.testing.assert_allclose(jax.vmap(call, (None, 0))(law, inputs), plain, rtol=1e-14)
    batch = jax.tree.map(lambda leaf: np.array([leaf, leaf]), law)
    for row in jax.vmap(call, (0, None))(batch, inputs):
        np.testing.assert_allclose(row, plain, rtol=1e-14)


@pytest.mark.parametrize("double", [False, True])
def test_float32_in_float32_out(law, double):
    with jax.enable_x64(double):
        single = jax.tree.map(lambda leaf: np.float32(leaf) if np.ndim(leaf) else leaf, law)
        low = single.loss(**sample(law, np.float32))
        assert low.dtype == jnp.float32
        with jax.enable_x64(True):
            high = law.loss(**sample(law))
    largest = max(np.max(leaf) for leaf in jax.tree.leaves(law))
    np.testing.assert_allclose(low, high, rtol=2e-6 if largest < 400 else 2e-5)


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("kind", [int, np.int64, np.array, jnp.asarray])
def test_large_integers_do_not_wrap(law, kind, double):
    if kind is jnp.asarray and not double:
        pytest.skip("without x64 JAX itself refuses to make such an integer")
    with jax.enable_x64(double):
        inputs = {name: float(value[2]) for name, value in sample(law).items()}
        counts = {
            name: value if is_bounded(name, law) else kind(int(value))
            for name, value in inputs.items()
        }
        np.testing.assert_allclose(law.loss(**counts), law.loss(**inputs), rtol=1e-6)


def test_inputs_broadcast_together(law, x64):
    inputs = sample(law)
    first, *others = law.input_names
    grid = {first: inputs[first][:, None]} | {name: inputs[name][None, :] for name in others}
    losses = law.loss(**grid)
    assert losses.shape == (3, 3 if others else 1)
    on_diagonal = jnp.diag(losses) if others else losses[:, 0]
    np.testing.assert_allclose(on_diagonal, law.loss(**inputs), rtol=1e-14)
    if not others:
        return
    with pytest.raises(ValueError, match=f"{first} \\(2,\\)"):
        law.loss(**(inputs | {first: inputs[first][:2]}))


def test_wrong_inputs_are_refused(law):
    inputs = sample(law)
    first = law.input_names[0]
    with pytest.raises(TypeError, match=first):
        law.loss(**{name: inputs[name] for name in law.input_names[1:]})
    with pytest.raises(TypeError, match="no_such"):
        law.loss(**inputs, no_such=1.0)
    for wrong in (None, "large", True, ["a"]):
        with pytest.raises(TypeError, match=first):
            law.loss(**(inputs | {first: wrong}))
    with pytest.raises(TypeError):
        law.loss(*inputs.values())


def test_nan_stays_nan(law):
    for name in law.input_names:
        inputs = {key: value[0] for key, value in sample(law).items()} | {name: np.nan}
        assert np.isnan(law.loss(**inputs))


@pytest.mark.parametrize("double", [False, True])
def test_infinite_inputs_give_the_limit_with_derivative_zero(law, double):
    counts = helpful(law, [name for name in law.input_names if not is_bounded(name, law)])
    with jax.enable_x64(double):
        for endless in [counts[:1], counts[1:], counts]:
            inputs = {name: float(value[1]) for name, value in sample(law).items()}
            inputs |= dict.fromkeys(endless, jnp.inf)
            value, (by_law, by_inputs) = jax.value_and_grad(
                lambda law, inputs: law.loss(**inputs), (0, 1)
            )(law, inputs)
            assert np.isfinite(value)
            assert all(by_inputs[name] == 0 for name in endless)
            assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((by_law, by_inputs)))
            if double:  # the slowest law falls as the twentieth root
                almost = law.loss(**(inputs | dict.fromkeys(endless, 1e300)))
                np.testing.assert_allclose(value, almost, rtol=1e-12, atol=1e-13)


def test_more_parameters_or_tokens_never_hurt(law, x64):
    counts = np.geomspace(1e7, 1e13, 50)
    for name in helpful(law, [n for n, kind in inputs_of(law).items() if kind.unit in COUNTS]):
        inputs = {key: value[1] for key, value in sample(law).items()} | {name: counts}
        assert np.all(np.diff(law.loss(**inputs)) <= 1e-12)


def test_names_of_coefficients_are_paths(law):
    names = coefficient_names(law)
    assert len(set(names)) == sum(np.size(leaf) for leaf in jax.tree.leaves(law))
    assert ("supervised.E" in names) == hasattr(law, "supervised")


@pytest.mark.parametrize("name", presets.names())
def test_presets_say_where_they_come_from(name):
    preset = presets.describe(name)
    assert all(type(leaf) is float for leaf in jax.tree.leaves(preset.law))
    assert preset.source
    assert preset.digits
    assert preset.counts
    assert preset.data
    assert (preset.intervals is None) == (preset.interval_level is None)
    for coefficient, (low, high) in (preset.intervals or {}).items():
        assert low <= getattr(preset.law, coefficient) <= high
    for input_name, (low, high) in (preset.fitted_range or {}).items():
        inner = getattr(preset.law, "supervised", preset.law)
        assert input_name in {*preset.law.input_names, *inner.input_names}
        assert low < high


def test_an_unknown_preset_is_reported_with_the_near_one():
    with pytest.raises(ValueError, match="did you mean 'busbridge2025'"):
        presets.load("busbrige2025")
    with pytest.raises(ValueError, match="no bootstrap draws"):
        presets.ensemble("hoffmann2022")
