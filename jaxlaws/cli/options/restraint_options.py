"""Options of the verbs that fit: the objective, weights, ties, bounds and priors."""

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fitting import Objective, Prior

RESTRAINT_OPTIONS = (
    click.option(
        "--objective",
        "objective_text",
        metavar="NAME[:NUMBER]...",
        help="What the fit minimises: huber:DELTA, asymmetric:DELTA:OVER, log-squares, squares or "
        "student-t:SCALE:DOF. OVER is the factor of the cost where the law predicts too much, DOF "
        "the degrees of freedom. Default: huber with --delta.",
    ),
    click.option(
        "--weights", metavar="COLUMN", help="Column with the weight of each run. Default: equal."
    ),
    click.option(
        "--tie",
        "ties",
        multiple=True,
        metavar="NAME=OTHER",
        help="Keep a coefficient equal to another one. Repeatable.",
    ),
    click.option(
        "--bound",
        "bounds",
        multiple=True,
        metavar="NAME=LOW:HIGH",
        help="Keep a coefficient between two values; one of them may be left out. Repeatable.",
    ),
    click.option(
        "--prior",
        "priors",
        multiple=True,
        metavar="NAME=MEAN±SD",
        help="Prior of a coefficient: normal, E=1.7±0.1 (or 1.7+-0.1), or log-normal with a "
        "median and a factor, A=400*/2. Repeatable.",
    ),
)


def pairs(option: str, texts: tuple[str, ...]) -> dict[str, str]:
    """Texts `NAME=VALUE` as values by name.

    Raises:
        UsageError: a text is written in another way.
    """
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise click.UsageError(f"{option} takes NAME=VALUE, got {text!r}")
        found[name.strip()] = value.strip()
    return found


def objective_of(text: str | None, delta: float) -> "Objective":
    """The objective that a text names; without a text, Huber's loss with the given delta.

    Raises:
        UsageError: no objective has this name, or it takes other numbers.
    """
    from fitting import AsymmetricHuber, Huber, LogSquares, Squares, StudentT

    if text is None:
        return Huber(delta)
    known: dict[str, tuple[Callable[..., Objective], int]] = {
        "huber": (Huber, 1),
        "asymmetric": (AsymmetricHuber, 2),
        "log-squares": (LogSquares, 0),
        "squares": (Squares, 0),
        "student-t": (StudentT, 2),
    }
    name, *texts = text.split(":")
    numbers = [_number("--objective", text, each) for each in texts]
    if name not in known or len(numbers) > known[name][1] or any(not n > 0 for n in numbers):
        raise click.UsageError(
            f"--objective takes one of {', '.join(known)} with numbers above zero after colons "
            f"(huber:1e-3, asymmetric:1e-3:2, student-t:0.005:4), got {text!r}"
        )
    return known[name][0](*numbers)


def bounds_of(pairs: dict[str, str]) -> dict[str, tuple[float | None, float | None]]:
    """`0.1:0.6` as a pair, with None for an end that is left out.

    Raises:
        UsageError: a text is written in another way.
    """
    bounds = {}
    for name, text in pairs.items():
        ends = text.split(":")
        if len(ends) != 2:
            raise click.UsageError(f"--bound takes NAME=LOW:HIGH, got {name}={text}")
        low, high = (_number("--bound", text, end) if end.strip() else None for end in ends)
        bounds[name] = (low, high)
    return bounds


def priors_of(pairs: dict[str, str]) -> "dict[str, Prior]":
    """`1.7±0.1` as a normal prior, `400*/2` as a log-normal prior.

    Raises:
        UsageError: a text is written in another way.
    """
    from fitting import LogNormal, Normal

    priors: dict[str, Prior] = {}
    for name, text in pairs.items():
        parts = re.split(r"(±|\+-|\*/)", text)
        numbers = [_number("--prior", text, part) for part in parts[::2]]
        least = 1.0 if "*/" in parts else 0.0
        if len(parts) != 3 or numbers[1] <= least:
            raise click.UsageError(
                f"--prior takes NAME=MEAN±SD or NAME=MEDIAN*/FACTOR, got {name}={text}"
            )
        priors[name] = (LogNormal if least else Normal)(*numbers)
    return priors


def _number(option: str, text: str, part: str) -> float:
    try:
        number = float(part)
    except ValueError:
        raise click.UsageError(f"{option}: {part!r} in {text!r} is not a number") from None
    if not math.isfinite(number):
        raise click.UsageError(f"{option}: {part!r} in {text!r} is not finite")
    return number
