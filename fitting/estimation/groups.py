"""Groups of runs that share a fit."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Groups:
    """Groups of runs, and the coefficients that each group has a value of its own for.

    Attributes:
        labels: names of the groups.
        places: index of each run's group in `labels`, `(num_runs,)`.
        own: names of these coefficients; in the fitted law they are arrays over the groups.
    """

    labels: tuple[str, ...]
    places: np.ndarray
    own: tuple[str, ...]
