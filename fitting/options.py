"""What a fit is asked for, beside the law, the runs and what holds coefficients."""

import dataclasses

import numpy as np

from fitting.objectives import Objective


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
