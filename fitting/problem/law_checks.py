"""Checks of the class of a law before its fit: shapes of coefficients and outcomes, and units.

In centred units a law must predict what it predicts in the user's units. The check compares both
at random coefficients. If they differ, it looks for the one coefficient whose unit is wrong.
"""

import dataclasses
import itertools
from collections.abc import Callable, Mapping

import jax
import numpy as np

from fitting.problem.centring import Scales, centre_inputs, uncentre
from fitting.problem.coefficient_names import domain_of, field_names, shape_of, sub_laws
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.law import Law, coefficients, outcomes_of
from jaxlaws.foundations.units import Power, unit_in_words, unit_of_power
from jaxlaws.pytree import Declaration, Domain, declarations

_NUM_LAWS = 4
_NUM_ROWS = 8
_SAME = 1e-6  # relative difference of losses
_SAME_EXPONENT = 1e-5
_LARGEST_EXPONENT = 8.0
_NUM_EXPONENTS = 1601


def beyond_float32(law: Law) -> tuple[str, ...]:
    """A warning for each coefficient of a law that float32 cannot hold."""
    found = []
    for name, value in coefficients(law).items():
        size = float(np.max(np.abs(value)))
        if float(np.finfo(np.float32).max) < size < np.inf:
            found.append(
                f"{name} is {size:.1e}, more than float32 can hold: there the losses of this law "
                "are not finite; use fitting.predict, or float64 (jax_enable_x64). Often the runs "
                "do not determine all coefficients: add runs, bounds or a prior"
            )
    return tuple(found)


def check_law(law_type: type[Law], inputs: Mapping[str, np.ndarray], scales: Scales) -> None:
    """Check that a law has the shapes and the units that its class declares, in float64.

    Args:
        law_type: the class of the law.
        inputs: inputs of the law in the user's units, `(num_rows,)` each.
        scales: the scale of each input in centred units.

    Raises:
        TypeError: a coefficient is an array without a declared shape, `loss` returns another shape
            than the class declares, or the formula does not have the declared units. The message
            names the coefficient and the remedy.
    """
    places = np.unique(np.linspace(0, len(next(iter(inputs.values()))) - 1, _NUM_ROWS, dtype=int))
    few = {name: values[places] for name, values in inputs.items()}
    laws = random_laws(law_type)
    _check_shapes(law_type, laws, few)
    if scales:
        _check_units(law_type, laws, few, scales)


def random_laws(law_type: type[Law], seed: int = 0) -> Law:
    """A batch of laws with coefficients of order one, NumPy float64, `(4, ...)` each."""
    rng = np.random.default_rng(seed)

    def value(part: type[Law], name: str) -> np.ndarray:
        normal = rng.normal(size=(_NUM_LAWS, *shape_of(part, name)))
        match domain_of(part, name):
            case Domain.POSITIVE:
                return np.exp(normal / 2)
            case Domain.UNIT_INTERVAL:
                return 1 / (1 + np.exp(-normal))
            case _:
                return normal

    def law(part: type[Law]) -> Tree:
        subs = sub_laws(part)
        fields = field_names(part)
        return part(**{n: law(subs[n]) if n in subs else value(part, n) for n in fields})

    return law(law_type)


@jax.jit
def _losses(laws: Law, inputs: Mapping[str, Array]) -> jax.Array:
    return jax.vmap(lambda law: law.loss(**inputs))(laws)


def _check_shapes(law_type: type[Law], laws: Law, inputs: Mapping[str, np.ndarray]) -> None:
    name, outcomes = law_type.__name__, outcomes_of(law_type)
    num_rows = len(next(iter(inputs.values())))
    shapes = ", ".join(
        f"{name} {each.shape or 'a number'}" for name, each in declarations(law_type).items()
    )
    try:
        found = jax.eval_shape(_losses, laws, inputs).shape[1:]
    except (TypeError, ValueError, IndexError) as error:
        raise TypeError(
            f"{name}.loss fails for coefficients of the declared shapes ({shapes}): {error}. If a "
            "coefficient is an array, declare its shape, such as w: Coefficient = real(shape=(5,))"
        ) from error
    if outcomes and found != (num_rows, len(outcomes)):
        raise TypeError(
            f"{name} declares {len(outcomes)} outcomes, {', '.join(outcomes)}. For inputs of shape "
            f"({num_rows},) its loss must have the shape ({num_rows}, {len(outcomes)}), but has "
            f"{found}"
        )
    if not outcomes and found not in ((num_rows,), ()):
        raise TypeError(
            f"for inputs of shape ({num_rows},), {name}.loss returns an array of shape {found}. A "
            "law of several outcomes names their columns in its class, such as outcomes = "
            '("loss_web", "loss_code"), and returns them along a last axis'
        )


def _check_units(
    law_type: type[Law], laws: Law, inputs: Mapping[str, np.ndarray], scales: Scales
) -> None:
    centred = _losses(laws, centre_inputs(inputs, scales))
    if _agree(_losses(uncentre(laws, scales), inputs), centred):
        return
    units: dict[float, list[str]] = {}
    for name, scale in scales.items():
        units.setdefault(scale, []).append(name)
    for names in units.values():  # inputs of one unit have one scale
        alone = {name: scales[name] for name in names}
        centred = _losses(laws, centre_inputs(inputs, alone))
        if not _agree(_losses(uncentre(laws, alone), inputs), centred):
            raise TypeError(_in_words(law_type, laws, inputs, alone, centred))
    raise TypeError(
        f"{law_type.__name__} declares units (unit_of=, power=, unit=) that its formula does not "
        "have. Correct them, or leave them out"
    )


def _agree(ours: Array, theirs: Array) -> bool:
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    both = np.isfinite(ours) & np.isfinite(theirs)
    return bool(np.all(np.abs(ours - theirs)[both] <= _SAME * np.abs(theirs)[both]))


def _in_words(
    law_type: type[Law],
    laws: Law,
    inputs: Mapping[str, np.ndarray],
    scales: Scales,
    centred: Array,
) -> str:
    """Which unit is wrong, and the remedy, where the inputs of one unit have wrong units."""
    name, of = law_type.__name__, " or ".join(each for each in scales if each in inputs)
    declared = declarations(law_type)
    users = uncentre(laws, scales)
    (scale,) = set(scales.values())
    for field, each in declared.items():
        missing = _missing_exponents(users, field, inputs, scale, centred)
        right = None if missing is None else _right_power(each, missing, laws, scales)
        if right is not None:
            others = tuple(power for power in each.unit if power.name not in scales)
            return (
                f"{name} declares units that its formula does not have. {field} is declared with "
                f"{unit_in_words(each.unit)}, but the formula needs "
                f"{unit_in_words((*others, *right))}. Declare the unit that the formula needs, by "
                "unit_of= and power=, or by unit="
            )
    carrying = [n for n, each in declared.items() if any(p.name in scales for p in each.unit)]
    those = ", ".join(carrying) or "a law inside it"
    return (
        f"{name}: {those} declares a unit of {of}, but the formula has another term of {of} that "
        "no unit of a coefficient makes up for, such as a logarithm, a fixed power or a constant. "
        f"Leave out the unit of {those}, or measure {of} in the other term relative to a "
        "coefficient that has its unit"
    )


def _right_power(
    declared: Declaration, missing: np.ndarray, laws: Law, scales: Scales
) -> tuple[Power, ...] | None:
    """The power of an input that a unit should have; None if it follows no rule."""
    name, exponents = next(each for each in laws.input_names if each in scales), missing
    for power in declared.unit:
        if power.name in scales:
            name = power.name
            exponents = exponents + power.exponent_at(lambda field: getattr(laws, field))
    expression = _expression(exponents, laws) if np.ndim(exponents) == 1 else None
    if expression is None:
        return None
    return () if expression == "0" else unit_of_power(name, expression)


def _missing_exponents(
    laws: Tree, field: str, inputs: Mapping[str, np.ndarray], scale: float, centred: Array
) -> np.ndarray | None:
    """The power of the scale that is missing in a coefficient, in each law; None if none helps."""

    def losses(exponents: Array) -> jax.Array:
        factor = scale ** np.asarray(exponents)
        value = getattr(laws, field)
        aligned = factor.reshape(-1, *(1,) * (np.ndim(value) - 1))
        return _losses(dataclasses.replace(laws, **{field: value * aligned}), inputs)

    target = np.asarray(centred)[:, 0].reshape(_NUM_LAWS, -1)[:, 0]

    def excess(exponents: Array) -> np.ndarray:
        found = np.asarray(losses(exponents))[:, 0].reshape(_NUM_LAWS, -1)[:, 0]
        return found - target

    grid = np.linspace(-_LARGEST_EXPONENT, _LARGEST_EXPONENT, _NUM_EXPONENTS)
    values = np.stack([excess(np.full(_NUM_LAWS, each)) for each in grid])
    found = []
    for place in range(_NUM_LAWS):
        signs = np.sign(values[:, place])
        changes = np.flatnonzero(signs[:-1] * signs[1:] <= 0)
        if not len(changes):
            return None
        nearest = changes[np.argmin(np.abs(grid[changes]))]
        found.append((grid[nearest], grid[nearest + 1]))
    low, high = np.array(found).T
    at_low = np.sign(excess(low))
    for _ in range(60):
        middle = (low + high) / 2
        is_low = np.sign(excess(middle)) == at_low
        low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
    return low if _agree(losses(low), centred) else None


def _expression(exponents: np.ndarray, laws: Law) -> str | None:
    """An exponent as a number or by the coefficients of the laws; None if there is no such rule."""
    numbers = {
        field: value
        for field, value in vars(laws).items()
        if isinstance(value, np.ndarray) and value.ndim == 1
    }

    def is_same(values: np.ndarray) -> bool:
        return bool(np.all(np.abs(exponents - values) <= _SAME_EXPONENT))

    if is_same(exponents[:1]):
        return f"{round(float(exponents[0]), 4) + 0.0:g}"
    for name, value in numbers.items():
        ratio = float(exponents[0] / value[0])
        if is_same(ratio * value):
            return name if round(ratio, 4) == 1 else f"{round(ratio, 4):g} * {name}"
    signs: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
        "*": np.multiply,
        "/": np.divide,
        "-": np.subtract,
        "+": np.add,
    }
    for (first, x), (second, y) in itertools.permutations(numbers.items(), 2):
        for sign, change in signs.items():
            for text, values in (("{}", change(x, y)), ("-({})", -change(x, y))):
                if is_same(values):
                    return text.format(f"{first} {sign} {second}")
    return None
