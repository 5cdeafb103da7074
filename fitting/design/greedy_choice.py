"""Choosing runs one after another within a budget, so that predictions vary least at the end."""

import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from fitting.design.knowledge import Knowledge
from jaxlaws.foundations.annotations import Array, Tree

# A choice takes the run with the largest gain per cost to one of these powers.
POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)


class Choice(NamedTuple):
    """Chosen runs, in order.

    Attributes:
        places: row numbers, `(num_chosen,)`.
        variances: the weighted variance after each, `(num_chosen,)`.
    """

    places: np.ndarray
    variances: np.ndarray


def best_choice(
    covariances: Array,
    importance: Array,
    noise: Array,
    costs: Array,
    is_free: Array,
    budget: float,
    most: int | None = None,
    powers: tuple[float, ...] = POWERS,
    least: int = 1,
) -> Choice:
    """The runs to train with a budget, in the order in which they are chosen.

    Each step chooses the run with the largest gain: the fall of the expected variance, divided by
    a power of the cost of the run. The power 1 leads to many cheap runs, the power 0 to few
    expensive ones. The choice is made with each of `powers`, and the one with the least variance at
    the end is used. The expected variance does not depend on the losses that the runs will have.

    Args:
        covariances: of the predictions for all rows, by each of several laws, `(num_laws, num_rows,
            num_rows)`.
        importance: the weight of each variance, `(num_laws, num_rows)`; zero for rows whose losses
            need not be known.
        noise: the standard deviation of the losses, `(num_rows,)`.
        costs: the cost of each row, `(num_rows,)`.
        is_free: whether a row is a run that can be chosen, `(num_rows,)`.
        budget: the largest total cost.
        most: the largest number of runs; None: no limit.
        powers: of the cost.
        least: a choice of so many runs is preferred to one of fewer.
    """
    number = len(costs) if most is None else most
    chosen, variances = _choices(
        covariances, importance, noise, costs, is_free, budget, number, np.array(powers)
    )
    chosen, variances = np.asarray(chosen), np.asarray(variances)
    counts = np.sum(chosen >= 0, axis=1)
    is_enough = counts >= min(least, counts.max())
    ends = np.where(is_enough, variances[np.arange(len(powers)), counts - 1], np.inf)
    best = int(np.argmin(ends))
    return Choice(chosen[best, : counts[best]], variances[best, : counts[best]])


def best_of_runs(
    knowledge: Sequence[Knowledge],
    inputs: Mapping[str, np.ndarray],
    costs: np.ndarray,
    is_free: np.ndarray,
    budget: float,
    most: int,
    powers: tuple[float, ...],
) -> Choice:
    """The runs to choose from some, for what is to be known of one law or of several.

    Args:
        knowledge: of each law.
        inputs: of the runs by name, `(num_runs,)` each.
        costs: of the runs.
        is_free: whether a run can be chosen.
        budget: the largest total cost.
        most: the largest number of runs.
        powers: see `best_choice`.

    Returns:
        The choice; its variances are the mean share of the variance before.
    """
    parts = [each.covariances(inputs) for each in knowledge]
    num_laws, num_rows = [len(part) for part in parts], parts[0].shape[-1]
    more = num_rows - len(costs)
    importance = np.zeros((sum(num_laws), num_rows))
    importance[:, len(costs) :] = np.concatenate(
        [
            np.repeat(np.asarray(each.weights)[:, None] / more / len(knowledge), more, axis=1)
            for each in knowledge
        ]
    )
    noise = np.mean([np.asarray(each.noise.at(costs)) for each in knowledge], axis=0)
    return best_choice(
        np.concatenate(parts),
        importance,
        np.pad(noise, (0, more), constant_values=1.0),
        np.pad(costs, (0, more), constant_values=np.inf),
        np.pad(is_free, (0, more)),
        budget,
        most,
        powers,
    )


@jax.jit
def _choices(
    covariances: Array,
    importance: Array,
    noise: Array,
    costs: Array,
    is_free: Array,
    budget: Array,
    most: Array,
    powers: Array,
) -> tuple[jax.Array, jax.Array]:
    """The choice and its variances for each power, `(num_powers, num_rows)`."""
    given = covariances, importance, noise, costs, is_free, budget, most
    return jax.lax.map(functools.partial(_choice, *given), powers)


def _choice(
    covariances: Array,
    importance: Array,
    noise: Array,
    costs: Array,
    is_free: Array,
    budget: Array,
    most: Array,
    power: Array,
) -> tuple[jax.Array, jax.Array]:
    def can_be_chosen(free: Array, left: Array) -> jax.Array:
        return free & (costs <= left)

    def variances_of(covariances: Array) -> jax.Array:
        return jnp.diagonal(covariances, axis1=1, axis2=2)

    def continues(state: Tree) -> jax.Array:
        _, free, left, _, _, count = state
        return (count < most) & jnp.any(can_be_chosen(free, left))

    def step(state: Tree) -> Tree:
        covariances, free, left, chosen, after, count = state
        observed = variances_of(covariances) + jnp.square(noise)[None]
        lowered = jnp.einsum("kt,ktr->kr", importance, jnp.square(covariances))
        gains = jnp.sum(lowered / observed, axis=0) / costs**power
        best = jnp.argmax(jnp.where(can_be_chosen(free, left), gains, -jnp.inf))
        column = covariances[:, best]
        change = column[:, :, None] * column[:, None] / observed[:, best, None, None]
        covariances = covariances - change
        return (
            covariances,
            free.at[best].set(False),
            left - costs[best],
            chosen.at[count].set(best),
            after.at[count].set(jnp.sum(importance * variances_of(covariances))),
            count + 1,
        )

    nothing, unknown = jnp.full(len(costs), -1), jnp.full(len(costs), jnp.nan)
    left = jnp.asarray(budget, jnp.result_type(costs)) * (1 + 1e-12)
    start = (covariances, is_free, left, nothing, unknown, 0)
    _, _, _, chosen, after, _ = jax.lax.while_loop(continues, step, start)
    return chosen, after
