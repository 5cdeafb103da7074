"""The axes of a large sweep, and the rows that they make: every combination, for every draw."""

import dataclasses
import math
from collections.abc import Mapping
from typing import ClassVar

import jax
import numpy as np

from jaxlaws.foundations.annotations import Array, Json, Tree
from jaxlaws.foundations.batches import batch_shape, scalar_leaves
from jaxlaws.planning.engine.mixture import Mixture
from jaxlaws.precision import is_traced


@dataclasses.dataclass(frozen=True)
class LogSpaced:
    """Numbers that are evenly spaced on a log scale, as `numpy.geomspace`, without their memory.

    Attributes:
        low: the first number, above zero.
        high: the last number, above `low`.
        count: how many numbers there are, at least two.

    >>> axis = LogSpaced(1e18, 1e26, 100_000_000)
    >>> len(axis), axis[[0, 99_999_999]].tolist()
    (100000000, [1e+18, 1e+26])
    """

    low: float
    high: float
    count: int
    ndim: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high < math.inf or self.count < 2:
            raise ValueError(
                f"a sweep rises from a number above zero and has at least two values, got {self}"
            )

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: Array) -> Array:
        """The numbers at some places, from 0 to `count - 1`."""
        index = np.asarray(index)
        if np.any((index < 0) | (index >= self.count)):
            raise IndexError(f"a place lies outside 0 to {self.count - 1}")
        begin, end = np.log10(self.low), np.log10(self.high)
        values = 10.0 ** (index * ((end - begin) / (self.count - 1)) + begin)
        ends = [index == 0, index == self.count - 1]
        return np.select(ends, [self.low, self.high], values)[()]

    def __array__(self, dtype: Tree = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[np.arange(self.count)], dtype=dtype)


class Rows:
    """The rows of a sweep: all combinations of its axes, and for each of them all draws.

    The last axis changes fastest, and the draw faster still.

    Args:
        law: one law, or a batch of laws, its draws, along one leading axis.
        inputs: numbers and axes by name.

    Raises:
        TypeError: an input is being traced.
        ValueError: an input has more than one axis, or is empty; nothing is swept; or an array has
            parts in other processes.
    """

    def __init__(self, law: Tree, inputs: Mapping[str, Array]) -> None:
        if is_traced(law, dict(inputs)):
            raise TypeError("a data set is written from concrete inputs: call it outside `jit`")
        arrays = [
            each for each in jax.tree.leaves((law, dict(inputs))) if isinstance(each, jax.Array)
        ]
        if not all(each.is_fully_addressable for each in arrays):
            raise ValueError(
                "an array with parts in other processes cannot be written: give each process all "
                "axes and laws as NumPy arrays, and each writes its share of the rows"
            )
        self.axes: dict[str, Array] = {}
        for name, value in inputs.items():
            self.axes |= {name: _axis(name, value)} if np.ndim(value) else {}
        draws = () if isinstance(law, Mixture) else batch_shape(law)
        if len(draws) > 1:
            raise ValueError(f"the draws of a law have one axis, got the shape {draws}")
        self.num_draws = draws[0] if draws else None
        self.law, self.inputs = law if self.num_draws is None else scalar_leaves(law), dict(inputs)
        self.shape = (*map(len, self.axes.values()), *draws)
        if not self.shape:
            raise ValueError(
                "there is nothing to sweep: give an axis such as LogSpaced(1e18, 1e26, 1_000_000), "
                "or a law with draws"
            )
        self.count = math.prod(self.shape)

    def block(self, begin: int, end: int) -> tuple[Tree, dict[str, Array], dict[str, Array]]:
        """Some rows: the law of each, its inputs, and the columns that say which row it is."""
        places = np.unravel_index(np.arange(begin, min(end, self.count)), self.shape)
        swept = zip(self.axes.items(), places, strict=False)
        inputs = self.inputs | {name: axis[place] for (name, axis), place in swept}
        columns = {f"asked.{name}": value for name, value in inputs.items()}
        if self.num_draws is None:
            return self.law, inputs, columns
        draw = places[-1]
        law = jax.tree.map(lambda leaf: np.asarray(leaf)[draw], self.law)
        return law, inputs, columns | {"draw": draw}

    def described(self) -> dict[str, Json]:
        """The inputs and the number of draws, for the manifest."""
        return {"inputs": self.inputs | self.axes, "draws": self.num_draws}


def _axis(name: str, value: Array) -> Array:
    if np.ndim(value) != 1 or not len(value):
        raise ValueError(f"{name} must be a number or an axis with one dimension")
    return value if isinstance(value, LogSpaced) else np.asarray(value)
