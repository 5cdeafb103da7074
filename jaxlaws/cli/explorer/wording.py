"""Numbers with their units, and distances from the fitted runs, as people read them."""

import math
from collections.abc import Mapping

import numpy as np

from jaxlaws.cli.explorer.charts import Region
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.foundations.text.cells import times_outside
from jaxlaws.planning import extrapolation_decades
from jaxlaws.planning.analysis.extrapolation import range_of

_WHAT = {
    "num_params": "size",
    "num_tokens": "tokens",
    "num_student_params": "student size",
    "num_student_tokens": "student tokens",
    "num_teacher_params": "teacher size",
    "num_teacher_tokens": "teacher tokens",
    "teacher_loss": "teacher loss",
}


def size(value: float) -> str:
    """A size, such as `7.1B parameters`."""
    return f"{count(value)} parameters"


def tokens(value: float) -> str:
    """A number of tokens, such as `1.4T tokens`."""
    return f"{count(value)} tokens"


def count(value: float) -> str:
    """A size or a number of tokens without its unit; a dash where there is none."""
    return format_quantity(value) if math.isfinite(value) else "–"


def flops(value: float) -> str:
    """Compute, such as `1e22 FLOPs`; always a power, never `10T`."""
    return f"{power(value)} FLOPs"


def power(value: float) -> str:
    """A number of FLOPs without its unit.

    >>> power(1e12), power(3.217e22), power(1e22)
    ('1e12', '3.22e22', '1e22')
    """
    if not math.isfinite(value) or value <= 0:
        return "0" if value == 0 else "–"
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def loss(value: float, unit: str = "nats") -> str:
    """A loss, such as `2.1234 nats per token`."""
    return f"{number(value)} {loss_unit(unit)}"


def loss_unit(unit: str) -> str:
    """The unit of a loss in full."""
    return "nats per token" if unit in ("nats", "") else unit.replace("/", " per ")


def difference(value: float, unit: str = "nats") -> str:
    """A difference of losses, such as `0.0196 nats`."""
    return f"{value:.4f} {'nats' if unit in ('nats', '') else loss_unit(unit)}"


def number(value: float) -> str:
    """A loss without its unit."""
    return f"{value:.4f}" if math.isfinite(value) else "–"


def percent(share: float) -> str:
    """A share, such as `12.3%`."""
    return f"{share:.1%}" if math.isfinite(share) else "–"


def factor(value: float) -> str:
    """How many times as much, such as `1.35 times`."""
    return f"{value:.3g} times" if math.isfinite(value) else "–"


def beyond(values: Mapping[str, float], fitted_range: Mapping[str, tuple[float, float]]) -> str:
    """How far inputs of a law are outside its fitted runs; empty where they are inside.

    >>> beyond({"num_params": 3.2e10}, {"num_params": (1e8, 1e10)})
    '3.2 times beyond the largest run in size'
    """
    found = []
    for name, value in values.items():
        ends = range_of(name, fitted_range)
        if ends is None or not math.isfinite(value):
            continue
        decades = float(extrapolation_decades({name: value}, fitted_range))
        far = times_outside(decades)
        if far is not None:
            low = value < ends[0]
            side = "below the smallest run" if low else "beyond the largest run"
            found.append((decades, f"{far} times {side} in {_WHAT.get(name, name)}"))
    return max(found)[1] if found else ""


def extrapolation(
    values: Mapping[str, float], fitted_range: Mapping[str, tuple[float, float]]
) -> str | None:
    """How far a view is outside the fitted runs, None where it is inside."""
    if not any(name in fitted_range for name in values):
        return "The range of the runs that this law was fitted to is not known."
    return beyond(values, fitted_range) or None


def is_beyond(
    plan: Tree, fitted_range: Mapping[str, tuple[float, float]], shape: tuple[int, ...]
) -> np.ndarray:
    """Where plans, or inputs by name, are outside the fitted runs; 0 or 1, to be short in JSON."""
    outside = extrapolation_decades(plan, fitted_range) > 0
    return np.broadcast_to(outside, shape).astype(int)


def outside(low: float, high: float, ends: tuple[float, float] | None) -> tuple[Region, ...]:
    """The parts of an axis that no run of the fit covers."""
    if ends is None:
        return ()
    parts = ((low, min(ends[0], high)), (max(ends[1], low), high))
    return tuple(Region(begin, end, "no runs here") for begin, end in parts if begin < end)


def free_teacher(scenario: str) -> list[str]:
    """What must be known of a plan whose scenario does not charge the teacher's training."""
    if scenario not in ("free", "inference"):
        return []
    return [
        "The training of the teacher is free in this scenario, so the planner takes a teacher as "
        "good as any number of tokens makes it."
    ]


def spans(x: Array, inside: Array, label: str) -> tuple[Region, ...]:
    """The parts of an axis where something holds at all of the given positions."""
    found, begin = [], None
    for index, holds in enumerate([*inside, False]):
        if holds and begin is None:
            begin = index
        if not holds and begin is not None:
            found.append(Region(float(x[begin]), float(x[index - 1]), label))
            begin = None
    return tuple(region for region in found if region.x0 < region.x1)
