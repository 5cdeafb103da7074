"""The inputs of further runs that make the expected variance least, by gradients."""

import dataclasses
import functools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
import optax

from fitting.design.greedy_choice import POWERS, best_of_runs
from fitting.design.knowledge import Knowledge
from jaxlaws.foundations.annotations import Array, Tree

Cost = Callable[..., Array]

_NUM_STARTS = 16
_NUM_STEPS = 300
_NUM_PLACES = 256
_RATE = 0.05  # of the range of an input
_PENALTY = 10.0  # for each e-fold of cost too much: more than the logarithm of the variance gains
_HALVINGS = 50


@dataclasses.dataclass(frozen=True)
class Box:
    """Bounds of the inputs of a run; inputs above zero are spaced by their logarithm.

    Attributes:
        names: of the inputs.
        low: least values, `(num_inputs,)`.
        high: greatest values, `(num_inputs,)`.
        cost: the cost of runs, from their inputs by name.
        is_log: whether each input is spaced by its logarithm.
    """

    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    cost: Cost
    is_log: tuple[bool, ...]

    def inputs(self, places: Array) -> dict[str, Array]:
        """The inputs at places between 0 and 1, `(num_runs, num_inputs)`."""
        found = {}
        for i, (name, low, high) in enumerate(zip(self.names, self.low, self.high, strict=True)):
            place = places[:, i]
            found[name] = (
                low * (high / low) ** place if self.is_log[i] else low + (high - low) * place
            )
        return found

    def costs(self, places: Array) -> Array:
        """The cost of the run at each place, `(num_runs,)`."""
        return self.cost(**self.inputs(places))

    def place_of(self, name: str, values: np.ndarray) -> np.ndarray:
        """The places of values of an input."""
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

    All starts go through one program. Costs above the limits have a penalty, and at the end the
    runs are moved towards the lower bounds until the limits hold.

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
    starts = random.uniform(size=(_NUM_STARTS, num_runs, len(box.names)))
    starts[0] = _best_of_some(box, knowledge, num_runs, budget, largest, random)
    moves = np.ones(len(box.names), bool)
    limits = np.array([budget, largest])
    places = _lowest(*_descended(box, knowledge, starts, limits, moves))
    if shapes is not None:
        i, allowed = box.names.index(shapes[0]), box.place_of(*shapes)
        nearest = np.argmin(np.abs(places[:, i, None] - allowed[None]), axis=1)
        places[:, i], moves[i] = allowed[nearest], False
        near = places + np.where(moves, 0.1, 0.0) * random.normal(size=starts.shape)
        again = np.where(moves, np.clip(near, 0.0, 1.0), places)
        places = _lowest(*_descended(box, knowledge, again, limits, moves))
    return _within(box, places, moves, budget, largest)


def _best_of_some(
    box: Box,
    knowledge: tuple[Knowledge, ...],
    num_runs: int,
    budget: float,
    largest: float,
    random: np.random.Generator,
) -> np.ndarray:
    """Places chosen one after another from random ones; the last ones can be repeated."""
    places = random.uniform(size=(_NUM_PLACES, len(box.names)))
    places = np.concatenate([places, np.round(places[: _NUM_PLACES // 4])])
    inputs = {name: np.asarray(values) for name, values in box.inputs(places).items()}
    costs = np.broadcast_to(np.asarray(box.cost(**inputs), float), len(places))
    chosen = best_of_runs(
        knowledge, inputs, costs, costs <= largest, budget, num_runs, POWERS
    ).places
    return places[np.resize(chosen, num_runs)] if len(chosen) else np.zeros_like(places[:num_runs])


def _lowest(places: Array, values: Array) -> np.ndarray:
    """The places of the start with the lowest value."""
    return np.array(places[int(np.nanargmin(np.asarray(values)))])


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

    optimiser = optax.adam(optax.cosine_decay_schedule(_RATE, _NUM_STEPS))

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


def check_box(box: Box, num_runs: int, budget: float, shapes: Mapping[str, np.ndarray]) -> None:
    """Check that the budget pays for the least runs.

    Raises:
        ValueError: it does not.
    """
    least = dict(zip(box.names, box.low, strict=True))
    least |= {name: float(np.min(values)) for name, values in shapes.items()}
    cost = float(box.cost(**least))
    if num_runs * cost > budget:
        raise ValueError(
            f"flops: {budget:.3g} do not pay for {num_runs} runs, of which the least costs "
            f"{cost:.3g}: lower num_runs or the bounds, or raise flops"
        )
