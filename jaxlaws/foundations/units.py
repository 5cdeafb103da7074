"""Units of coefficients: products of powers of inputs, such as `num_params**alpha`.

An exponent is a number, a coefficient of the same law, or arithmetic of both (`-0.6*alpha`).
"""

import ast
import dataclasses
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from jaxlaws.foundations.annotations import Array

# An exponent as a user writes it: a number, an expression, or a number for each array element.
Exponent: TypeAlias = float | str | Sequence[float]

_ARITHMETIC: Mapping[type[ast.operator], Callable[[Array, Array], Array]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@dataclasses.dataclass(frozen=True)
class Power:
    """An input to a power.

    Attributes:
        name: the input.
        exponent: the exponent, an arithmetic expression of numbers and names of coefficients.
    """

    name: str
    exponent: str

    @property
    def coefficients(self) -> tuple[str, ...]:
        """The coefficients in the exponent."""
        nodes = ast.walk(ast.parse(self.exponent, mode="eval"))
        return tuple(dict.fromkeys(node.id for node in nodes if isinstance(node, ast.Name)))

    def exponent_at(self, value_of: Callable[[str], Array]) -> Array:
        """The value of the exponent, where `value_of` returns the value of a coefficient.

        >>> Power("num_tokens", "-0.5 * beta").exponent_at({"beta": 0.4}.__getitem__)
        -0.2
        """
        return _evaluate(ast.parse(self.exponent, mode="eval").body, value_of, self.exponent)

    def __str__(self) -> str:
        if self.exponent == "1.0":
            return self.name
        is_plain = isinstance(ast.parse(self.exponent, mode="eval").body, ast.Name | ast.Constant)
        return f"{self.name}**{self.exponent}" if is_plain else f"{self.name}**({self.exponent})"


Unit: TypeAlias = tuple[Power, ...]


def unit_in_words(unit: Unit) -> str:
    """A unit as an expression.

    >>> unit_in_words(parse_unit("num_params**alpha / num_tokens"))
    'the unit num_params**alpha * num_tokens**(-1.0)'
    """
    return f"the unit {' * '.join(map(str, unit))}" if unit else "no unit"


def parse_unit(text: str) -> Unit:
    """Read the expression of a unit: inputs to powers, with `*` and `/` between them.

    >>> [str(power) for power in parse_unit("num_params**(2*alpha) * num_tokens")]
    ['num_params**(2 * alpha)', 'num_tokens']

    Raises:
        ValueError: the expression has another form.
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise ValueError(f"unit {text!r}: {_EXPECTED}") from None
    factors = _factors(node, text)
    names = [power.name for power in factors]
    if len(set(names)) < len(names):
        raise ValueError(f"unit {text!r} names an input twice: add its exponents")
    return factors


def unit_of_power(name: str, exponent: Exponent | None) -> Unit:
    """The unit of one input to a power; without an exponent the power is 1.

    Raises:
        ValueError: the exponent has another form.
    """
    if isinstance(exponent, str):
        return (_checked(Power(name, exponent.strip()), exponent),)
    given = 1.0 if exponent is None else exponent
    is_array = np.ndim(given) > 0
    numbers = np.asarray(given, np.float64).tolist()
    return (Power(name, repr(tuple(numbers) if is_array else numbers)),)


_EXPECTED = "expected inputs to powers, such as 'num_params**alpha * num_tokens**(-0.6*beta)'"


def _factors(node: ast.expr, text: str) -> Unit:
    match node:
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _factors(left, text) + _factors(right, text)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            inverse = [
                dataclasses.replace(power, exponent=ast.unparse(_negated(power.exponent)))
                for power in _factors(right, text)
            ]
            return _factors(left, text) + tuple(inverse)
        case ast.BinOp(left=ast.Name(id=name), op=ast.Pow(), right=exponent):
            return (_checked(Power(name, ast.unparse(exponent)), text),)
        case ast.Name(id=name):
            return (Power(name, "1.0"),)
        case ast.Constant(value=1):
            return ()
    raise ValueError(f"unit {text!r}: {_EXPECTED}")


def _negated(exponent: str) -> ast.expr:
    return ast.UnaryOp(ast.USub(), ast.parse(exponent, mode="eval").body)


def _checked(power: Power, text: str) -> Power:
    try:
        power.exponent_at(lambda _: math.nan)  # with NaN no difference is zero
    except SyntaxError:
        raise ValueError(f"unit {text!r}: {_EXPECTED}") from None
    return power


def _evaluate(node: ast.expr, value_of: Callable[[str], Array], text: str) -> Array:
    match node:
        case ast.Constant(value=float() | int() as number):
            return float(number)
        case ast.Name(id=name):
            return value_of(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluate(operand, value_of, text)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            sides = (_evaluate(side, value_of, text) for side in (left, right))
            return _ARITHMETIC[type(op)](*sides)
        case ast.Tuple() | ast.List():
            return np.asarray(ast.literal_eval(node), np.float64)
    raise ValueError(
        f"exponent {text!r}: expected numbers and coefficients with + - * / between them"
    )
