"""Units in the headers of columns, such as `Params (M)`, `tokens_B` and `compute, PF-days`."""

import re
from collections.abc import Sequence

from jaxlaws.foundations.quantities import parse_quantity

PETAFLOP_DAY = 8.64e19
_LETTERS = {"K": 1e3, "M": 1e6, "B": 1e9, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18, "Z": 1e21}
_WORDS = {
    "thousand": 1e3, "million": 1e6, "mn": 1e6, "mm": 1e6, "mio": 1e6, "billion": 1e9, "bn": 1e9,
    "mrd": 1e9, "trillion": 1e12, "tn": 1e12, "kilo": 1e3, "mega": 1e6, "giga": 1e9, "tera": 1e12,
    "peta": 1e15, "exa": 1e18, "zetta": 1e21,
}  # fmt: skip
_WORD = f"(?i:(?:{'|'.join(_WORDS)})s?)"
_THING = r"(?i:param(?:eter)?s?|tokens?|toks?|flops?)"
_POWER = r"(?:[x×*/]\s*)?(?:1e\+?|10\s*(?:\^|\*\*)\s*)(?P<power>\d+)"
_UNIT = (
    rf"(?:(?i:in)\s+)?(?:(?P<letter>[KMBGTkmbgt])|(?P<word>{_WORD})|{_POWER})"
    rf"(?:\s*(?P<thing>{_THING}))?"
)
_FLOPS = r"(?P<letter>[KMGTPEZ])F(?:LOP)?(?:s|S)?"
_PATTERNS = [
    re.compile(r"(?P<base>.*?)[\s_]*[(\[]\s*[eE]\+?(?P<power>\d+)\s*[)\]]"),
    re.compile(rf"(?P<base>.*?)[\s_]*[(\[]\s*{_UNIT}\.?\s*[)\]]"),
    re.compile(rf"(?P<base>.*?)[\s_]*[(\[]\s*{_FLOPS}\s*[)\]]"),
    re.compile(rf"(?P<base>.+?)[\s_]+in[\s_]+{_UNIT}"),
    re.compile(rf"(?P<base>[NDC]|.*{_THING})\s*/\s*{_UNIT}"),  # params/M
    re.compile(rf"(?P<base>.{{3,}}?)[\s_,]+{_UNIT}"),  # N_T is a name
    re.compile(rf"(?P<base>.+?)[\s_,]+(?:(?P<word>{_WORD})|{_POWER})"),
    re.compile(rf"(?P<letter>[KMBGT])[\s_]*(?P<base>{_THING})", re.IGNORECASE),
    re.compile(rf"(?P<word>{_WORD})[\s_]+(?P<base>{_THING})", re.IGNORECASE),
    re.compile(
        r"(?:.*[\s_,])?(?P<word>(?:kilo|mega|giga|tera|peta|exa|zetta))(?P<base>flops?)", re.I
    ),
    re.compile(r"(?P<letter>[KMGTPEZ])(?P<base>FLOPs?)(?![\w/]*/s)", re.IGNORECASE),
]
_DAYS = re.compile(
    r"(?P<base>.*?)[\s_,(\[]*p(?:eta)?f(?:lop)?(?:s|/s)?[\s_-]*days?[)\]]?", re.IGNORECASE
)


def header_unit(title: str) -> tuple[str, float]:
    """The name in a header without its unit, and the factor of the unit; 1 for none.

    >>> [header_unit(title) for title in ("Params (M)", "N x1e9", "EFLOPs", "loss")]
    [('Params', 1000000.0), ('N', 1000000000.0), ('FLOPs', 1e+18), ('loss', 1.0)]
    >>> header_unit("Model (Mparams)")
    ('Model params', 1000000.0)
    """
    text = title.strip()
    days = _DAYS.fullmatch(text)
    if days:
        return days["base"].strip() or "flops", PETAFLOP_DAY
    for pattern in _PATTERNS:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        groups = match.groupdict()
        if groups.get("power"):
            factor = 10.0 ** min(int(groups["power"]), 30)
        elif groups.get("word"):
            word = groups["word"].lower()
            factor = _WORDS.get(word) or _WORDS[word.removesuffix("s")]
        else:
            factor = _LETTERS[groups["letter"].upper()]
        base, thing = match["base"].strip(), (groups.get("thing") or "").lower()
        thing = {"tok": "tokens", "toks": "tokens"}.get(thing, thing)
        is_named = re.search(r"params?|parameters?|tok", base, re.IGNORECASE) or len(base) < 3
        is_named = (
            is_named
            or thing.startswith("flop")
            or ("size" in base.lower() and thing.startswith("param"))
        )
        return (f"{base} {thing}" if thing and not is_named else base), factor
    return text, 1.0


def factor_of_unit(name: str, unit: str) -> float:
    """The factor of a unit that a user gives.

    Raises:
        ValueError: there is no such unit.
    """
    text = unit.strip()
    if text.lower().replace("_", "-") in ("pf-days", "pf-day", "petaflop-days"):
        return PETAFLOP_DAY
    word = text.lower().removesuffix("s")
    known = _LETTERS.get(text.upper()) or _WORDS.get(text.lower()) or _WORDS.get(word)
    if known:
        return known
    try:
        factor = parse_quantity(text)
    except ValueError:
        factor = -1.0
    if not 0 < factor < 1e40:
        raise ValueError(
            f"the unit of {name} is one of {', '.join(_LETTERS)}, PF-days, or a number such as "
            f"1e6; got {unit!r}"
        )
    return factor


def scaled(cells: Sequence[object], factor: float) -> list[object]:
    """Cells times a factor; a cell with a letter of its own, such as `60M`, stays."""
    return [_scaled(cell, factor) for cell in cells]


def _scaled(cell: object, factor: float) -> object:
    try:
        return factor * float(cell)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError, OverflowError):
        return cell
