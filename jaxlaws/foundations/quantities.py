"""Quantities as people write them: 1e22, 3.5e9, 1.5B, 20T."""

import re

_SUFFIXES = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "G": 1e9, "T": 1e12, "P": 1e15}
_LONGEST = 1000  # the time of the pattern grows with the square of the length
_PATTERN = re.compile(r"\s*([+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-z]?)\s*")


def parse_quantity(text: str) -> float:
    """A number with an optional suffix K, M, B (or G), T or P: thousand, million, 1e9, 1e12, 1e15.

    >>> parse_quantity("1.5B"), parse_quantity("20T"), parse_quantity("1e22")
    (1500000000.0, 20000000000000.0, 1e+22)

    Raises:
        ValueError: the text is not such a quantity ("nan" is not one either).
    """
    match = _PATTERN.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None or match[2].upper() not in _SUFFIXES:
        raise ValueError(f"{text[:50]!r} is not a quantity such as 1e22, 3.5e9, 1.5B or 20T")
    return float(match[1]) * _SUFFIXES[match[2].upper()]


def format_quantity(value: float, digits: int = 3) -> str:
    """A count for people: three significant digits and a suffix, or an exponent past 1e15.

    >>> [format_quantity(value) for value in (1.5e9, 20e12, 3.2e22, 512)]
    ['1.5B', '20T', '3.2e22', '512']
    """
    value = float(f"{value:.{digits}g}")  # rounded first: 999,999 is 1M, not 1000K
    if not 1e3 <= value < 1e15:
        return f"{value:.{digits}g}".replace("e+", "e")
    suffix = next(name for name in "TBMK" if value >= _SUFFIXES[name])
    return f"{value / _SUFFIXES[suffix]:.{digits}g}{suffix}"


def plain_number(value: float, digits: int) -> str:
    """A number with some significant digits, and an exponent only from a million on.

    >>> plain_number(1287.4, 3), plain_number(0.0391, 2), plain_number(1.4293e6, 3)
    ('1290', '0.039', '1.43e6')
    """
    if 1e-4 <= abs(value) < 1e6:
        return f"{float(f'{value:.{digits}g}'):.10g}"
    return f"{value:.{digits}g}".replace("e+0", "e").replace("e+", "e")


def format_flops(value: float, digits: int = 3) -> str:
    """A number of FLOPs for people, with an exponent from a thousand on.

    >>> [format_flops(value) for value in (1e12, 3.16e22, 6e9, 512)]
    ['1e12', '3.16e22', '6e9', '512']
    """
    value = float(f"{value:.{digits}g}")
    if 1e-3 <= abs(value) < 1e3 or value == 0:
        return f"{value:.{digits}g}"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"
