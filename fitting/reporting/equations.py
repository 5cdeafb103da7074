"""The formula of a law with the numbers of a fit."""

import re

from jaxlaws.foundations.law import Law, coefficients
from jaxlaws.pytree import element_shapes

_FORMULA = re.compile(r"`(\w+\s*=[^`]*)`", re.DOTALL)


def formula_of(law: Law) -> str:
    """The formula that the docstring of a law's class begins with; empty if it has none.

    >>> from jaxlaws import presets
    >>> formula_of(presets.load("besiroglu2024"))
    'loss = E + A / N^alpha + B / D^beta'
    """
    found = _FORMULA.search(type(law).__doc__ or "")
    return "" if found is None else " ".join(found[1].split()).replace("**", "^")


def equation_of(law: Law, digits: int = 4) -> str:
    """The formula of a law with its coefficients as numbers; empty if it names not all of them.

    Sub-laws keep their names in the formula.

    >>> from jaxlaws import presets
    >>> equation_of(presets.load("besiroglu2024"))
    'loss = 1.817 + 482 / N^0.3478 + 2085 / D^0.3658'
    """
    formula = formula_of(law)
    own = {name: value for name, value in coefficients(law).items() if "." not in name}
    names = re.findall(r"[A-Za-z]\w*", formula.partition("=")[2])
    if not formula or any(element_shapes(law)) or not set(own) <= set(names):
        return ""
    words = re.compile(rf"\b({'|'.join(map(re.escape, sorted(own, key=len, reverse=True)))})\b")
    left, _, right = formula.partition("=")
    # A product without a sign, such as `c1 f1`, gets one.
    right = re.sub(r"(?<=[\w)~]) (?=[\w(])", " × ", right.replace("*", "×"))
    return f"{left}={words.sub(lambda found: f'{float(own[found[1]]):.{digits}g}', right)}"
