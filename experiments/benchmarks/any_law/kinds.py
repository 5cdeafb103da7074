"""Kinds of law for random fits with known coefficients.

The inputs and the outcomes have random units, so the coefficients are between 1e-12 and 1e15 and
beyond. Each kind draws coefficients for inputs of order one and converts them to these units.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from experiments.benchmarks.any_law.formulas import law_type, table_of
from experiments.benchmarks.any_law.units import Units
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.law import Law

Draw: TypeAlias = Callable[[Units], Mapping[str, Array]]


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of law.

    Attributes:
        symbols: the inputs, as in `formulas`.
        coefficients: the coefficients with their domains, as in `formulas`.
        formula: the formula.
        draw: draws true coefficients.
        any_sign: whether outcomes may be zero or negative.
        in_logs: whether the fit minimises squares of log residuals.
        unit: whether the outcome has a random unit; else it is of order one.
    """

    symbols: str
    coefficients: str
    formula: str
    draw: Draw
    any_sign: bool = True
    in_logs: bool = False
    unit: bool = True

    def law_type(self, name: str) -> type[Law]:
        """The class of the law."""
        return law_type(name, self.symbols, self.coefficients, self.formula, any_sign=self.any_sign)

    def units(self, random: np.random.Generator) -> Units:
        """Random units."""
        x, y, s = 10 ** random.uniform((-4, -4, -8), (10, 10, 8))
        return Units(random, x, y, s if self.unit else 1.0)

    def inputs(self, units: Units) -> dict[str, np.ndarray]:
        """64 rows of inputs, by name."""
        u = units
        eight = np.geomspace(0.2, 0.2 * 10 ** u.between(1.3, 2.5), 8)
        x, y = (each.ravel() for each in np.meshgrid(eight, np.geomspace(0.1, 10, 8)))
        levels = np.array([0.0, 0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0])
        all_values = {
            "X": u.x * x,
            "Y": u.y * y,
            "Z": u.y * np.repeat(levels, 8),
            "Q": u.y * np.tile(levels, 8)[::-1],
            "W": u.x * u.random.permutation(np.linspace(-2, 3, 64)),
        }
        return table_of({symbol: all_values[symbol] for symbol in self.symbols.split()})


def _in_logs_of(unit: float, polynomial: Array) -> Array:
    """A polynomial in log(x / unit) as one in log(x).

    Args:
        unit: the unit of x.
        polynomial: coefficients, the lowest power first.

    Returns:
        Coefficients, the highest power first.
    """
    of_logs = np.polynomial.Polynomial(polynomial)(np.polynomial.Polynomial([-np.log(unit), 1]))
    return np.asarray(of_logs.coef[::-1], dtype=float)


def _powers(u: Units) -> dict[str, Array]:
    a, b = u.between(0.15, 0.9), u.between(0.15, 0.9)
    return {
        "E": u.s * u.between(0.2, 2),
        "A": u.s * u.between(0.2, 2) * u.x**a,
        "a": a,
        "B": u.s * u.between(0.2, 2) * u.y**b,
        "b": b,
    }


def _free_powers(u: Units) -> dict[str, Array]:
    a, b = u.signed(0.1, 1.2), u.signed(0.1, 1.2)
    return {
        "E": u.s * u.signed(0, 2),
        "A": u.s * u.signed(0.3, 2) * u.x**-a,
        "a": a,
        "B": u.s * u.signed(0.3, 2) * u.y**-b,
        "b": b,
    }


def _two_terms(u: Units) -> dict[str, Array]:
    p1, p2, p4 = u.signed(0.1, 0.6), u.signed(0.1, 0.6), u.signed(0.1, 0.8)
    return {
        "p0": u.s * u.signed(0.3, 2) * u.y**-p1 * u.x**-p2,
        "p1": p1,
        "p2": p2,
        "p3": u.s * u.signed(0.3, 2) * u.x**-p4,
        "p4": p4,
        "p5": u.s * u.signed(0, 2),
    }


def _kaplan(u: Units) -> dict[str, Array]:
    a, b = u.between(0.2, 0.6), u.between(0.2, 0.6)
    size = u.s ** (1 / b)
    return {
        "A": u.x * size ** (b / a) * u.between(0.3, 3),
        "a": a,
        "B": u.y * size * u.between(0.3, 3),
        "b": b,
    }


def _ratio(u: Units) -> dict[str, Array]:
    a, b = u.signed(0.2, 0.8), u.between(0.2, 0.8)
    return {
        "E": u.s * u.between(0.2, 2),
        "A": u.s * u.between(0.3, 2) * (u.x / u.y) ** -a,
        "a": a,
        "B": u.s * u.between(0.3, 2) * u.y**b,
        "b": b,
    }


def _log_quadratic(u: Units) -> dict[str, Array]:
    # In logs of X/x and Y/y: c0 + c1 p + c2 q + c3 p^2 + c4 q^2 + c5 p q
    c = u.signed(0.02, 0.3, (6,)) * [3, 1, 1, 0.3, 0.3, 0.3]
    p, q = np.log(u.x), np.log(u.y)
    return {
        "c0": c[0] - c[1] * p - c[2] * q + c[3] * p**2 + c[4] * q**2 + c[5] * p * q + np.log(u.s),
        "c1": c[1] - 2 * c[3] * p - c[5] * q,
        "c2": c[2] - 2 * c[4] * q - c[5] * p,
        "c3": c[3],
        "c4": c[4],
        "c5": c[5],
    }


KINDS: dict[str, Kind] = {
    "powers with units": Kind(
        "X Y", "E:+ A:+X^a a:+ B:+Y^b b:+", "E+A*power(X,-a)+B*power(Y,-b)", _powers,
        any_sign=False, in_logs=True,
    ),
    "powers without units": Kind(
        "X Y", "E:+ A:+ a:+ B:+ b:+", "E+A*power(X,-a)+B*power(Y,-b)", _powers, any_sign=False
    ),
    "powers of free signs": Kind(
        "X Y", "E:r A:r a:r B:r b:r", "E+A*power(X,a)+B*power(Y,b)", _free_powers
    ),
    "product and power": Kind(
        "X Y", "p0:r p1:r p2:r p3:r p4:r p5:r", "p0*power(Y,p1)*power(X,p2)+p3*power(X,p4)+p5",
        _two_terms,
    ),
    "power of a sum": Kind(
        "X Y", "A:+X^1 a:+ B:+Y^1 b:+", "power(power(A/X,a/b)+B/Y,b)", _kaplan,
        any_sign=False, in_logs=True, unit=False,
    ),
    "power of a ratio": Kind(
        "X Y", "E:+ A:+ a:r B:+ b:+", "E+A*power(X/Y,a)+B*power(Y,-b)", _ratio, any_sign=False
    ),
    "saturation": Kind(
        "X", "a:r b:r d:+ h:+", "a+b/(1+power(X/d,h))",
        lambda u: {
            "a": u.s * u.signed(0, 3), "b": u.s * u.signed(0.5, 3),
            "d": u.x * 10 ** u.between(-0.5, 1), "h": u.between(0.4, 2.5),
        },
    ),
    "decay": Kind(
        "X", "a:r b:r k:r", "a+b*exp(k*X)",
        lambda u: {
            "a": u.s * u.signed(0, 3), "b": u.s * u.signed(0.1, 2),
            "k": u.signed(0.03, 0.1) / u.x,
        },
    ),
    "two decays": Kind(
        "X", "a:r b:r k:+ c:r m:+", "a+b*exp(-k*X)+c*exp(-m*X)",
        lambda u: {
            "a": u.s * u.signed(0, 3), "b": u.s * u.signed(0.5, 2), "k": u.between(1, 3) / u.x,
            "c": u.s * u.signed(0.5, 2), "m": u.between(0.05, 0.2) / u.x,
        },
    ),
    "exp of a quadratic": Kind(
        "X Y", "c0:r c1:r c2:r c3:r c4:r c5:r",
        "p=log(X); q=log(Y); exp(c0+c1*p+c2*q+c3*p**2+c4*q**2+c5*p*q)", _log_quadratic,
        any_sign=False, in_logs=True,
    ),
    "exp of a quadratic, squares": Kind(
        "X Y", "c0:r c1:r c2:r c3:r c4:r c5:r",
        "p=log(X); q=log(Y); exp(c0+c1*p+c2*q+c3*p**2+c4*q**2+c5*p*q)", _log_quadratic,
        any_sign=False,
    ),
    "polynomial": Kind(
        "X", "c:r[6]", "vander(log(X),6)@c",
        lambda u: {"c": u.s * _in_logs_of(u.x, u.signed(0.05, 1, (6,)) / 10.0 ** np.arange(6))},
    ),
    "constant and exponential of logs": Kind(
        "X Y", "p0:+ p1:r p2:r p3:r p4:r p5:r",
        "p0+exp(p1+p2*log(X)+p3*log(Y)+p4*log(X)*log(Y))+p5*log(X)",
        lambda u: {
            "p0": u.s * u.between(2, 4), "p2": u.signed(0.1, 0.4), "p3": u.signed(0.1, 0.4),
            "p4": u.signed(0.005, 0.01), "p5": u.s * u.signed(0.02, 0.1),
            "p1": np.log(u.s) + u.signed(0, 0.5),
        },
    ),
    "logarithms": Kind(
        "X Y", "a:r b:r c:r d:+", "a+b*log(X)+c*log1p(Y/d)",
        lambda u: {
            "a": u.s * u.signed(0, 3), "b": u.s * u.signed(0.05, 0.5),
            "c": u.s * u.signed(0.2, 1), "d": u.y * 10 ** u.between(-1, 1),
        },
    ),
    "exponential of shares with zeros": Kind(
        "Z Q", "c:+ k:+ t:r[2]", "c+k*exp(stack([Z,Q],-1)@t)",
        lambda u: {
            "c": u.s * u.between(0.5, 2), "k": u.s * u.between(0.3, 2),
            "t": u.signed(0.1, 0.6, (2,)) / u.y,
        },
        any_sign=False,
    ),
    "shifted power with zeros": Kind(
        "Z", "E:+ A:+ d:+ a:+", "E+A*power(Z+d,-a)",
        lambda u: (
            lambda a: {
                "E": u.s * u.between(0.2, 2), "A": u.s * u.between(0.5, 2) * u.y**a,
                "d": u.y * 10 ** u.between(-1, 0.5), "a": a,
            }
        )(u.between(0.3, 1.5)),
        any_sign=False, in_logs=True,
    ),
    "two sources with zeros": Kind(
        "X Y Z", "E:+ A:+ a:+ B:+ c:+ b:+", "E+A*power(X,-a)+B*power(Y+c*Z,-b)",
        lambda u: {**_powers(u), "c": 10 ** u.between(-1, 1)}, any_sign=False,
    ),
    "bowl": Kind(
        "X Y", "E:+ A:+ a:+ k:+ v:r w:r", "E+A*power(X,-a)+k*(log(Y)-v-w*log(X))**2",
        lambda u: (
            lambda a, w: {
                "E": u.s * u.between(0.5, 2), "A": u.s * u.between(0.5, 2) * u.x**a, "a": a,
                "k": u.s * u.between(0.02, 0.3), "w": w,
                "v": np.log(u.y) - w * np.log(u.x) + u.signed(0, 1),
            }
        )(u.between(0.2, 0.9), u.signed(0.1, 0.8)),
        any_sign=False,
    ),
    "sigmoid": Kind(
        "X", "l:r h:r k:r m:r", "l+(h-l)/(1+exp(-k*(log(X)-m)))",
        lambda u: {
            "l": u.s * u.signed(0, 1), "h": u.s * u.between(1.5, 3),
            "k": u.signed(0.7, 3), "m": np.log(u.x) + u.between(-0.5, 1.5),
        },
    ),
    "outcomes below zero": Kind(
        "X Y", "E:+ A:+X^a a:+ B:+Y^b b:+", "A*power(X,-a)-B*power(Y,-b)-E", _powers
    ),
    "largest of two": Kind(
        "X Y", "E:+ A:+ a:+ B:+ b:+", "E+maximum(A*power(X,-a),B*power(Y,-b))", _powers,
        any_sign=False,
    ),
    "log of a power": Kind(
        "X", "E:+ A:+ B:+ b:+", "E+A*log1p(B*power(X,-b))",
        lambda u: (
            lambda b: {
                "E": u.s * u.between(0.2, 2), "A": u.s * u.between(0.3, 1),
                "B": 10 ** u.between(-0.5, 1) * u.x**b, "b": b,
            }
        )(u.between(0.5, 2)),
        any_sign=False, in_logs=True,
    ),
    "either sign of the input": Kind(
        "W", "a:r b:r c:r k:r", "a+b*W+c*exp(k*W)",
        lambda u: {
            "a": u.s * u.signed(0, 2), "b": u.s * u.signed(0.1, 1) / u.x,
            "c": u.s * u.signed(0.2, 1), "k": u.signed(0.3, 0.9) / u.x,
        },
    ),
}  # fmt: skip
