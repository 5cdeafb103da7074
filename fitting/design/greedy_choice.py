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
    runs: Array,
    targets: Array,
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

    The covariance of predictions is the product of their factors: `runs[k, :, i] @ targets[k, :,
    j]` for run i and target j by law k. So the time grows with the number of runs, not with its
    square.

    Args:
        runs: the factors of what each run measures, `(num_laws, num_factors, num_runs)`, or
            `(num_laws, num_factors, num_runs, num_outcomes)`.
        targets: the factors of what is to be predicted, `(num_laws, num_factors, num_targets)`.
        importance: the weight of each variance of a target, `(num_laws, num_targets)`.
        noise: the standard deviation of the losses, `(num_runs,)`.
        costs: the cost of each run, `(num_runs,)`.
        is_free: whether a run can be chosen, `(num_runs,)`.
        budget: the largest total cost.
        most: the largest number of runs; None: no limit.
        powers: of the cost.
        least: a choice of so many runs is preferred to one of fewer, if the budget pays for it.
    """
    number = len(costs) if most is None else most
    runs = runs.reshape(*runs.shape[:3], -1)
    chosen, variances = _choices(
        runs, targets, importance, noise, costs, is_free, budget, number, np.array(powers)
    )
    chosen, variances = np.asarray(chosen), np.asarray(variances)
    counts = np.sum(chosen >= 0, axis=1)
    is_enough = counts >= (least if counts.max() >= least else 1)
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
    parts = [each.factors(inputs) for each in knowledge]
    num_factors = max(runs.shape[1] for runs, _ in parts)
    runs, targets = (
        np.concatenate(
            [np.pad(each, ((0, 0), (0, num_factors - each.shape[1]), (0, 0))) for each in which]
        )
        for which in zip(*parts, strict=True)
    )
    weights = np.concatenate([each.weights for each in knowledge]) / len(knowledge)
    noise = np.mean([np.asarray(each.noise.at(costs)) for each in knowledge], axis=0)
    importance = np.repeat(weights[:, None] / targets.shape[2], targets.shape[2], axis=1)
    return best_choice(runs, targets, importance, noise, costs, is_free, budget, most, powers)


@jax.jit
def _choices(
    runs: Array,
    targets: Array,
    importance: Array,
    noise: Array,
    costs: Array,
    is_free: Array,
    budget: Array,
    most: Array,
    powers: Array,
) -> tuple[jax.Array, jax.Array]:
    """The choice and its variances for each power, `(num_powers, num_runs)`."""
    given = runs, targets, importance, noise, costs, is_free, budget, most
    return jax.lax.map(functools.partial(_choice, *given), powers)


def _choice(
    runs: Array,
    targets: Array,
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

    def continues(state: Tree) -> jax.Array:
        _, _, free, left, _, _, count = state
        return (count < most) & jnp.any(can_be_chosen(free, left))

    def step(state: Tree) -> Tree:
        factors, across, free, left, chosen, after, count = state
        own, between, variances = factors, *across
        lowered = jnp.einsum("kt,ktro->kro", importance, jnp.square(between))
        gains = jnp.sum(lowered / (own_variances(own) + noise[None, :, None] ** 2), axis=(0, 2))
        gains = gains / costs**power
        best = jnp.argmax(jnp.where(can_be_chosen(free, left), gains, -jnp.inf))
        for outcome in range(runs.shape[3]):
            # What is left of the factors of the runs after one more number is measured.
            seen = own[:, :, best, outcome]
            size = jnp.sum(jnp.square(seen), axis=1) + noise[best] ** 2
            column = jnp.einsum("kf,kfro->kro", seen, own)
            with_targets = between[:, :, best, outcome]
            shrink = 1 / (size + noise[best] * jnp.sqrt(size))
            own = own - jnp.einsum("kf,kro,k->kfro", seen, column, shrink)
            variances = variances - jnp.square(with_targets) / size[:, None]
            between = between - jnp.einsum("kt,kro,k->ktro", with_targets, column, 1 / size)
        return (
            own,
            (between, variances),
            free.at[best].set(False),
            left - costs[best],
            chosen.at[count].set(best),
            after.at[count].set(jnp.sum(importance * variances)),
            count + 1,
        )

    def own_variances(own: Array) -> jax.Array:
        return jnp.sum(jnp.square(own), axis=1)

    nothing, unknown = jnp.full(len(costs), -1), jnp.full(len(costs), jnp.nan)
    left = jnp.asarray(budget, jnp.result_type(costs)) * (1 + 1e-12)
    between = jnp.einsum("kft,kfro->ktro", targets, runs)
    across = between, jnp.sum(jnp.square(targets), axis=1)
    start = (runs, across, is_free, left, nothing, unknown, 0)
    _, _, _, _, chosen, after, _ = jax.lax.while_loop(continues, step, start)
    return chosen, after
