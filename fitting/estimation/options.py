"""What a fit is asked for, beside the law, the runs and what holds coefficients."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from fitting.problem.objectives import Objective


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What `fit` takes beside the law, the runs and what holds coefficients; see there."""

    objective: Objective
    num_starts: int
    starts: str
    bootstrap: int
    resample: str
    jackknife: bool
    cluster: str | None
    weights: str | None
    seed: int


def check_numbers(**numbers: int) -> None:
    """Numbers of starts and of draws; there must be one start at least.

    Raises:
        ValueError: one is no such number.
    """
    for name, value in numbers.items():
        least = int(name == "num_starts")
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"{name}: expected an integer of {least} or more, got {value!r}")


def check_choice(name: str, value: str, known: Sequence[str]) -> None:
    """An option that is one of a few words.

    Raises:
        ValueError: it is none of them.
    """
    if value not in known:
        raise ValueError(f"{name}: expected one of {', '.join(known)}, got {value!r}")


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Groups:
    """Groups of runs that have some coefficients of their own.

    Attributes:
        labels: of the groups.
        places: of each run's group among them, `(num_runs,)`.
        own: the coefficients; in the fitted law they are arrays over the groups.
    """

    labels: tuple[str, ...]
    places: np.ndarray
    own: tuple[str, ...]
