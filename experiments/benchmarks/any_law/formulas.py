"""Classes of laws from formulas in one line, as people write them.

A row has the symbols of the inputs, the coefficients and the formula:

    "N D", "E:+ A:+N^a a:+ t:r[2]", "x=log(D); E+A*power(N,-a)+t[0]*x+t[1]*x**2"

The domain of a coefficient is `+` (positive), `r` (real) or `u` (between 0 and 1). `+N^a` has the
unit of N**a, and `r[2]` is an array of two numbers. A formula may begin with assignments.
"""

import re
from collections.abc import Mapping

import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.law import Law
from jaxlaws.inputs import INPUTS, Input
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree, real, unit_interval

# The input of each symbol: its name, and its declaration where jaxlaws does not know the name.
SYMBOLS: dict[str, tuple[str, Input]] = {
    "N": ("num_params", INPUTS["num_params"]),
    "D": ("num_tokens", INPUTS["num_tokens"]),
    "U": ("num_unique_tokens", INPUTS["num_unique_tokens"]),
    "E_": ("num_experts", INPUTS["num_experts"]),
    "P": ("expansion", Input("expansion of an upcycled model")),
    "S": ("num_streams", Input("parallel streams")),
    "V": ("vocabulary_size", Input("number of different tokens")),
    "H": ("num_characters", Input("characters of the training text")),
    "LR": ("learning_rate", Input("peak learning rate")),
    "BS": ("batch_size", Input("sequences of an optimiser step")),
    "X": ("x", Input("an input above zero")),
    "Y": ("y", Input("another input above zero")),
    "Z": ("z", Input("an input that may be zero", may_be_zero=True)),
    "Q": ("q", Input("another input that may be zero", may_be_zero=True)),
    "W": ("w", Input("an input of either sign", may_be_negative=True)),
    **{
        f"r{i}": (f"share_{i}", Input(f"share of domain {i}", may_be_zero=True, at_most=1))
        for i in range(1, 6)
    },
}
_ANY = Input("an outcome of either sign", may_be_negative=True)
_DOMAINS = {"+": positive, "r": real, "u": unit_interval}
_FUNCTIONS = {
    name: getattr(jnp, name)
    for name in ("abs", "exp", "log", "log1p", "maximum", "minimum", "sqrt", "stack", "vander")
} | {"power": power}


def law_type(
    name: str,
    symbols: str,
    coefficients: str,
    formula: str,
    *,
    any_sign: bool = False,
    outcomes: tuple[str, ...] = (),
) -> type[Law]:
    """The class of a law.

    Args:
        name: the name of the class.
        symbols: the inputs, separated by spaces.
        coefficients: the coefficients with their domains, separated by spaces.
        formula: the formula of the prediction.
        any_sign: whether the outcome may be zero or negative.
        outcomes: the names of the outcomes, where the law predicts several.
    """
    inputs = {symbol: SYMBOLS[symbol] for symbol in symbols.split()}
    declared = dict(_coefficient(each) for each in coefficients.split())
    *steps, last = (compile(step.strip(), name, "exec" if "=" in step else "eval")
                    for step in formula.split(";"))  # fmt: skip

    def loss(self: Law, **values: Array) -> Array:
        known = _FUNCTIONS | {s: jnp.asarray(values[each]) for s, (each, _) in inputs.items()}
        known |= {each: jnp.asarray(getattr(self, each)) for each in declared}
        for step in steps:
            exec(step, known)
        return eval(last, known)

    own = {each: kind for each, kind in inputs.values() if each not in INPUTS}
    body: dict[str, object] = {
        "__annotations__": dict.fromkeys(declared, Coefficient),
        "input_names": tuple(each for each, _ in inputs.values()),
        "own_inputs": own,
        "loss": loss,
    }
    body |= {"outcome": _ANY} if any_sign else {}
    body |= {"outcomes": outcomes} if outcomes else {}
    return pytree(type(name, (), body | declared))  # pyright: ignore[reportReturnType]


def _coefficient(text: str) -> tuple[str, Coefficient]:
    """The name and the declaration of a coefficient such as `A:+N^a` or `t:r[5,5]`."""
    found = re.fullmatch(r"(\w+):([+ru])(?:(\w+)\^(-?\w+))?(?:\[([\d,]+)\])?", text)
    if found is None:
        raise ValueError(f"cannot read the coefficient {text!r}")
    name, domain, of, exponent, sizes = found.groups()
    shape = tuple(int(size) for size in sizes.split(",")) if sizes else ()
    if of is None:
        return name, _DOMAINS[domain](shape=shape)
    return name, positive(unit_of=SYMBOLS[of][0], power=exponent, shape=shape)


def table_of(values: Mapping[str, Array]) -> dict[str, Array]:
    """Values by symbol as the inputs of a law, by name."""
    return {SYMBOLS[symbol][0]: each for symbol, each in values.items()}
