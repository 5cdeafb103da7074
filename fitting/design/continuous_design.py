"""The inputs of further runs that make the expected variance least, by gradients."""

import dataclasses
import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from fitting.design.knowledge import Knowledge
from jaxlaws.foundations.annotations import Array, Tree

Cost = Callable[..., Array]

_NUM_STARTS = 16
_NUM_STEPS = 300
_NUM_PLACES = 320
_NUM_EXCHANGES = 4
_NUM_ROUNDS = 5  # of exchanges, from each start
_ROUNDING = 1e-9  # of a budget
_RATE = 0.05  # of the range of an input
_PENALTY = 10.0  # for each e-fold of cost too much: more than the logarithm of the variance gains
_HALVINGS = 50


class Ratio(NamedTuple):
    """The least and the greatest ratio of an input, the tokens, to another one, the size."""

    size: str
    tokens: str
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Box:
    """Bounds of the inputs of a run; inputs above zero are spaced by their logarithm.

    Attributes:
        names: of the inputs.
        low: least values, `(num_inputs,)`.
        high: greatest values, `(num_inputs,)`.
        cost: the cost of runs, from their inputs by name.
        is_log: whether each input is spaced by its logarithm.
        ratio: bounds of the tokens that depend on the size; None: there are none. Each size must
            allow some tokens.
    """

    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    cost: Cost
    is_log: tuple[bool, ...]
    ratio: Ratio | None = None

    def inputs(self, places: Array) -> dict[str, Array]:
        """The inputs at places between 0 and 1, `(num_runs, num_inputs)`."""
        found = {}
        for i, (name, low, high) in enumerate(zip(self.names, self.low, self.high, strict=True)):
            place = places[:, i]
            found[name] = (
                low * (high / low) ** place if self.is_log[i] else low + (high - low) * place
            )
        if self.ratio is not None:
            i, size = self.names.index(self.ratio.tokens), found[self.ratio.size]
            least = jnp.maximum(self.low[i], self.ratio.low * size)
            most = jnp.minimum(self.high[i], self.ratio.high * size)
            found[self.ratio.tokens] = least * (most / least) ** places[:, i]
        return found

    def costs(self, places: Array) -> Array:
        """The cost of the run at each place, `(num_runs,)`."""
        return self.cost(**self.inputs(places))

    def place_of(self, name: str, values: np.ndarray) -> np.ndarray:
        """The places of values of an input, not of the tokens of a ratio."""
        i = self.names.index(name)
        low, high = self.low[i], self.high[i]
        if self.is_log[i]:
            return np.log(values / low) / np.log(high / low)
        return (values - low) / (high - low)


def best_places(
    box: Box,
    knowledge: tuple[Knowledge, ...],
    num_runs: int,
    budget: float,
    largest: float,
    seed: int,
    shapes: tuple[str, np.ndarray] | None = None,
) -> np.ndarray:
    """Places of runs that make the mean of the relative variances least.

    The best of some random places are chosen by exchange, and then moved by gradients, which end in
    poor optima from random starts. All starts go through one program. Costs above the limits have a
    penalty, and at the end the runs are moved towards the lower bounds until the limits hold.

    Args:
        box: the bounds, and the cost of a run.
        knowledge: of each law.
        num_runs: number of runs.
        budget: the largest total cost.
        largest: the largest cost of a run.
        seed: of the starts.
        shapes: the name of an input and the only values that it can have.

    Returns:
        Places, `(num_runs, num_inputs)`.
    """
    random = np.random.default_rng(seed)
    moves = np.ones(len(box.names), bool)
    some = random.uniform(size=(_NUM_PLACES, len(box.names)))
    half = some[::2]  # many of the best runs are at a corner or on an edge
    some[::2] = np.where(random.uniform(size=half.shape) < 0.6, np.round(half), half)
    some[0] = 0.0
    if shapes is not None:
        i = box.names.index(shapes[0])
        moves[i], some[:, i] = False, random.choice(box.place_of(*shapes), _NUM_PLACES)
        some[0, i] = some[:, i].min()
    best = _exchanged(box, knowledge, some, num_runs, budget, largest, random)
    starts = np.tile(best, (_NUM_STARTS, 1, 1))
    near, far = np.array_split(starts[1:], 2)
    near += np.where(moves, 0.1, 0.0) * random.normal(size=near.shape)
    far[:] = some[random.integers(len(some), size=far.shape[:2])]
    limits = np.array([budget, largest])
    places, values = _descended(box, knowledge, np.clip(starts, 0.0, 1.0), limits, moves)
    ended = np.array(places[int(np.nanargmin(np.asarray(values)))])
    every = [_within(box, each, moves, budget, largest) for each in (best, ended)]
    return min(every, key=lambda each: _value(box, knowledge, each))


def _value(box: Box, knowledge: tuple[Knowledge, ...], places: np.ndarray) -> float:
    inputs, costs = box.inputs(places), box.costs(places)
    return float(sum(each.relative_variance(inputs, costs) for each in knowledge))


def _exchanged(
    box: Box,
    knowledge: tuple[Knowledge, ...],
    places: np.ndarray,
    num_runs: int,
    budget: float,
    largest: float,
    random: np.random.Generator,
) -> np.ndarray:
    """Some of the places, by exchange: each run in turn takes the place that is best now.

    This is the algorithm of Fedorov 1972. It starts from random cheap places, several times.
    """
    inputs, costs = box.inputs(places), np.asarray(box.costs(places), float)
    added = [np.asarray(each.information_of(inputs, costs)) for each in knowledge]
    costs = np.where((costs <= largest) | (costs == costs.min()), costs, np.inf)
    most = budget * (1 + _ROUNDING)
    cheap = np.flatnonzero(costs <= max(most / num_runs, costs.min()))
    found = []
    for _ in range(_NUM_EXCHANGES):
        chosen, values = random.choice(cheap, num_runs), np.full(len(costs), np.inf)
        for _ in range(_NUM_ROUNDS):
            before = chosen.copy()
            for i in range(num_runs):
                others = np.delete(chosen, i)
                values = sum(
                    np.asarray(each.relative_variances(more[:, others].sum(axis=1)[:, None] + more))
                    for each, more in zip(knowledge, added, strict=True)
                )
                values = np.where(costs + costs[others].sum() <= most, values, np.inf)
                chosen[i] = np.nanargmin(values)
            if np.array_equal(chosen, before):
                break
        found.append((np.nanmin(values), chosen))
    return places[min(found, key=lambda each: each[0])[1]]


@functools.partial(jax.jit, static_argnums=0)
def _descended(
    box: Box, knowledge: tuple[Knowledge, ...], starts: Array, limits: Array, moves: Array
) -> tuple[Array, Array]:
    """Places and values after the steps from each start."""

    def value(places: Array) -> Array:
        inputs = box.inputs(places)
        costs = box.cost(**inputs)
        mean = sum(each.relative_variance(inputs, costs) for each in knowledge) / len(knowledge)
        too_much = jnp.maximum(jnp.log(jnp.sum(costs) / limits[0]), 0.0)
        too_large = jnp.sum(jnp.maximum(jnp.log(costs / limits[1]), 0.0))
        return jnp.log(mean) + _PENALTY * (too_much + too_large)

    # A long memory of the slope of the penalty would make later steps too small.
    optimiser = optax.adam(optax.cosine_decay_schedule(_RATE, _NUM_STEPS), b2=0.9)

    def one(start: Array) -> tuple[Array, Array]:
        def step(carry: Tree, _: None) -> tuple[Tree, None]:
            places, state = carry
            slope = jax.grad(value)(places)
            slope = jnp.where(jnp.isfinite(slope) & moves[None], slope, 0.0)
            change, state = optimiser.update(slope, state)
            return (
                jnp.where(moves[None], jnp.clip(places + change, 0.0, 1.0), places),
                state,
            ), None

        (places, _), _ = jax.lax.scan(step, (start, optimiser.init(start)), length=_NUM_STEPS)
        return places, value(places)

    return jax.vmap(one)(starts)


def _within(
    box: Box, places: np.ndarray, moves: np.ndarray, budget: float, largest: float
) -> np.ndarray:
    """Places moved towards the lower bounds, as little as the limits require."""

    def at(shares: np.ndarray) -> np.ndarray:
        return np.where(moves, places * shares[:, None], places)

    def costs(shares: np.ndarray) -> np.ndarray:
        return np.asarray(box.costs(at(shares)))

    def largest_share(is_allowed: Callable[[np.ndarray], np.ndarray], most: np.ndarray) -> Array:
        low, high = np.zeros(len(places)), most
        if np.all(is_allowed(high)):
            return high
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            fine = is_allowed(middle)
            low, high = np.where(fine, middle, low), np.where(fine, high, middle)
        return low

    shares = largest_share(lambda s: costs(s) <= largest, np.ones(len(places)))
    shares = largest_share(lambda s: np.full(len(s), costs(s).sum() <= budget), shares)
    return at(shares)


def check_box(
    box: Box, num_runs: int, budget: float, shapes: tuple[str, np.ndarray] | None
) -> None:
    """Check that the budget pays for the least runs.

    Raises:
        ValueError: it does not.
    """
    place = np.zeros((1, len(box.names)))
    if shapes is not None:
        place[0, box.names.index(shapes[0])] = box.place_of(*shapes).min()
    cost = float(np.max(box.costs(place)))
    if num_runs * cost > budget:
        raise ValueError(
            f"flops: {budget:.3g} do not pay for {num_runs} runs, of which the least costs "
            f"{cost:.3g}: ask for fewer runs (num_runs; --runs on the command line), lower the "
            "bounds, or raise flops"
        )
