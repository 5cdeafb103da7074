"""Random numbers and random units of one problem."""

import dataclasses

import numpy as np

from jaxlaws.foundations.annotations import Array


@dataclasses.dataclass(frozen=True)
class Units:
    """Random numbers of one problem, and the units of its inputs and its outcome.

    Attributes:
        random: draws the coefficients.
        x: typical value of the inputs X and W.
        y: typical value of the inputs Y, Z and Q.
        s: the size of the outcomes.
    """

    random: np.random.Generator
    x: float
    y: float
    s: float

    def between(self, low: float, high: float, shape: tuple[int, ...] = ()) -> Array:
        """Numbers that are uniform between two ends."""
        return self.random.uniform(low, high, shape)

    def signed(self, low: float, high: float, shape: tuple[int, ...] = ()) -> Array:
        """The same with a random sign."""
        return self.random.choice([-1.0, 1.0], shape) * self.between(low, high, shape)
