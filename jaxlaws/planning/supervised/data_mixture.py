"""The best mixture of data domains for one or several validation losses (Ye et al. 2024)."""

import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jax import lax

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.law import outcomes_of
from jaxlaws.inputs import inputs_of
from jaxlaws.planning.engine.checks import Bounds
from jaxlaws.planning.engine.evaluation import Question, ask
from jaxlaws.planning.engine.limits import Limit, limit_constraint
from jaxlaws.planning.engine.plans import status_of, where_possible
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.plan_dict import Answer
from jaxlaws.planning.solver.batched import Point, choose, gradient, largest
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.planning.solver.numeric_tolerances import tolerances
from jaxlaws.planning.solver.problem import Problem
from jaxlaws.precision import Precision
from jaxlaws.pytree import pytree

_NUM_STEPS = 64  # of the search for a start
_NUM_HALVINGS = 50
_NUM_LENGTHS = 10  # of each step


@pytree
class DataMixturePlan(Answer):
    """A mixture of data domains.

    Attributes:
        shares: share of each domain in the training data, by name; they sum to 1.
        loss: the weighted mean of the validation losses, in the law's unit.
        losses: each validation loss, by name; `loss` for a law with one outcome.
        status: a `Status`; ON_BOUND where a share is on a bound, such as 0, or a limit binds.
        active_bounds: -1, 0 or +1 by domain, and +1 for a limit that binds.
        marginal_values: by domain, the fall of `loss` per unit of its share by which an active
            bound is raised; a hundredth of it is the gain from one percentage point. By limit, the
            fall of `loss` per unit of a logarithm.
    """

    shares: Record
    loss: Array
    losses: Record
    status: Array
    active_bounds: Record
    marginal_values: Record


def _projection(mixture: Point, lower: Point, upper: Point) -> Point:
    """The nearest mixture within the bounds whose shares sum to 1, for any list of numbers.

    It is the list plus one number, clipped to the bounds; bisection finds the number.
    """

    def moved(shift: Array) -> Point:
        return [jnp.clip(m + shift, a, b) for m, a, b in zip(mixture, lower, upper, strict=True)]

    def halve(_: Array, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        middle = 0.5 * (ends[0] + ends[1])
        too_much = sum(moved(middle)) > 1
        return jnp.where(too_much, ends[0], middle), jnp.where(too_much, middle, ends[1])

    widest = 1 + largest([jnp.abs(m) for m in mixture], 0.0 * mixture[0])
    low, high = lax.fori_loop(0, _NUM_HALVINGS, halve, (-widest, widest))
    return moved(0.5 * (low + high))


def _sums_to_one(shares: Point) -> jax.Array:
    """Whether the sum is one but for rounding: 0.6 + 0.3 + 0.1 is below 1 in floating point."""
    rest = 1 - sum(shares)
    return jnp.abs(rest) <= tolerances(rest).violation


@functools.cache
def _question(domains: tuple[str, ...], outcomes: tuple[str, ...]) -> Question:
    """The question for these domains and outcomes. The last share is 1 minus the others."""

    def whole(point: Point) -> Point:
        return [*point, 1 - sum(point)]

    def losses(given: Record, mixture: Point) -> dict[str, Array]:
        found = given.law.loss(**dict(zip(domains, mixture, strict=True)))
        return {name: found[..., i] for i, name in enumerate(outcomes)} or {"loss": found}

    def mean(given: Record, each: Mapping[str, Array]) -> Array:
        weights = given.weights
        return sum(weights[name] * each[name] for name in each) / sum(weights.values())

    def problem(given: Record) -> Problem:
        lower, upper = ([ends[name] for name in domains] for ends in (given.lower, given.upper))

        def loss(mixture: Point) -> Array:
            return mean(given, losses(given, mixture))

        def start() -> Point:
            """The shares after steps down the gradient, projected on the mixtures within bounds."""

            def step(_: Array, here: Point) -> Point:
                least, slopes = gradient(loss, here)
                size = largest([jnp.abs(slope) for slope in slopes], jnp.zeros_like(least))
                unit = [slope / jnp.where(size > 0, size, 1.0) for slope in slopes]

                def shorter(power: Array, best: tuple[Point, Array]) -> tuple[Point, Array]:
                    trial = [h - 0.25**power * u for h, u in zip(here, unit, strict=True)]
                    trial = _projection(trial, lower, upper)
                    value = loss(trial)
                    return choose(value < best[1], (trial, value), best)

                return lax.fori_loop(0, _NUM_LENGTHS, shorter, (here, least))[0]

            even = _projection([jnp.zeros_like(low) for low in lower], lower, upper)
            return lax.fori_loop(0, _NUM_STEPS, step, even)[:-1]

        # An upper bound that follows from the lower bounds of the other domains would make the
        # active bounds of a corner linearly dependent.
        rest = 1 - sum(lower)
        highest = [
            jnp.where(high >= low + rest, high + 1, high)
            for low, high in zip(lower, upper, strict=True)
        ]
        # Where the bounds leave one mixture, the last share follows from the others.
        is_lower, is_upper = _sums_to_one(lower), _sums_to_one(upper)
        is_one = is_lower | is_upper
        only = [jnp.where(is_lower, *ends) for ends in zip(lower, upper, strict=True)]
        least = [jnp.where(is_one, *ends) for ends in zip(only, lower, strict=True)]
        most = [jnp.where(is_one, *ends) for ends in zip(only, highest, strict=True)]
        return Problem(
            objective=lambda point: loss(whole(point)),
            has_unit=True,
            lower=least[:-1],
            upper=most[:-1],
            constraints=(
                lambda point: whole(point)[-1] - least[-1] + is_one,
                lambda point: most[-1] - whole(point)[-1] + is_one,
                *(
                    limit_constraint(
                        limit, lambda point: dict(zip(domains, whole(point), strict=True))
                    )
                    for limit in given.limits.values()
                ),
            ),
            start=start,
            possible=((rest >= 0) | is_lower)
            & ((sum(upper) >= 1) | is_upper)
            & (sum(given.weights.values()) > 0),
        )

    def plan(given: Record, solution: Solution) -> DataMixturePlan:
        mixture = whole(solution.point)
        at_least, at_most = (binds & solution.possible for binds in solution.binding[:2])
        sides = [*solution.on_bound, at_most.astype(jnp.int32) - at_least.astype(jnp.int32)]
        values = [*solution.bound_values, solution.multipliers[1] - solution.multipliers[0]]
        lower, upper = ([ends[name] for name in domains] for ends in (given.lower, given.upper))
        is_lower, is_upper = (_sums_to_one(s) & solution.possible for s in (lower, upper))
        sides = [jnp.where(is_lower, -1, jnp.where(is_upper, 1, side)) for side in sides]
        for i, name in enumerate(domains):
            share = jnp.where(sides[i] < 0, given.lower[name], mixture[i])
            mixture[i] = jnp.where(sides[i] > 0, given.upper[name], share)
        each = losses(given, mixture)
        loss = mean(given, each)
        binding = zip(given.limits, solution.binding[2:], strict=True)
        limits = {name: (binds & solution.possible).astype(jnp.int32) for name, binds in binding}
        values = dict(zip(domains, values, strict=True))
        values |= dict(zip(given.limits, solution.multipliers[2:], strict=True))

        def record(numbers: Mapping[str, Array]) -> Record:
            return Record({k: where_possible(solution, v) for k, v in numbers.items()})

        return DataMixturePlan(
            shares=record(dict(zip(domains, mixture, strict=True))),
            loss=where_possible(solution, loss),
            losses=record(each),
            status=status_of(solution, loss, num_expected=0),
            active_bounds=Record(dict(zip(domains, sides, strict=True)), **limits),
            marginal_values=record(values),
        )

    return Question(
        problem=problem, plan=plan, takes_limits=True, may_be_zero=("weights", *domains)
    )


def optimal_data_mixture(
    law: Tree,
    *,
    weights: Mapping[str, Array] | None = None,
    share_bounds: Mapping[str, Bounds] | None = None,
    limits: Mapping[str, Limit] | None = None,
    precision: Precision | None = None,
) -> DataMixturePlan:
    """The mixture of data domains with the least weighted mean of the validation losses.

    A domain with few tokens has an upper bound: with U distinct tokens, at most e repetitions and D
    training tokens it is `e U / D`.

    Args:
        law: a law whose inputs are shares of data domains, such as those of `mixing_law`. Other
            inputs need fixed values first: `fix_inputs(law, num_params=1e9)`.
        weights: weight of each outcome of the law, by name, zero or positive, of any shape; an
            outcome that is not named has the weight 0. None: all outcomes have the same weight.
        share_bounds: lower and upper bound of the share of some domains, by name, between 0 and 1,
            broadcast with the weights. A domain that is not named has the bounds (0, 1).
        limits: upper limits on other positive quantities of the shares, by names of your choice.
        precision: of the computation inside a trace, see `Precision`.

    Returns:
        A plan whose leaves have the broadcast shape: NumPy float64 for concrete inputs, the
        caller's dtype inside a trace. Where no shares within the bounds sum to 1, the plan has the
        status INFEASIBLE and NaN for shares. Where the law is convex in the shares, as those of
        `mixing_law` are, the plan is the best of all mixtures; otherwise it is a minimum that is
        reached from equal shares.

    Raises:
        ValueError: a weight or a bound is negative or not finite, bounds exclude each other, or a
            name is not that of a domain or an outcome. Inside a trace invalid numbers give the
            status INFEASIBLE.
        TypeError: an input of the law is not a share.

    >>> import numpy as np
    >>> from jaxlaws.laws.further_inputs.data_mixing import mixing_law
    >>> Law = mixing_law("web", "code", "books", outcomes=("loss_web", "loss_code"))
    >>> t = np.array([[-0.3, 0.6, 0.0], [0.9, -1.2, 0.8]])
    >>> law = Law(c=np.array([1.5, 0.6]), t=t)
    >>> for most in (1.0, 0.2):  # the share of code
    ...     plan = optimal_data_mixture(law, share_bounds={"code": (0, most)})
    ...     print({name: round(float(share), 3) for name, share in plan.shares.items()})
    {'books': 0.0, 'code': 0.682, 'web': 0.318}
    {'books': 0.0, 'code': 0.2, 'web': 0.8}
    """
    domains, outcomes = law.input_names, outcomes_of(law)
    wrong = [n for n, kind in inputs_of(law).items() if not kind.may_be_zero or kind.at_most != 1]
    if wrong or len(domains) < 2:
        raise TypeError(
            f"expected a law of the shares of two or more domains, such as that of mixing_law, got "
            f"a law of {', '.join(domains)}. Fix other inputs first (from jaxlaws import "
            "fix_inputs). A share is declared as Input(..., may_be_zero=True, at_most=1)"
        )
    names = outcomes or ("loss",)
    weights = dict.fromkeys(names, 1.0) if weights is None else weights
    share_bounds = share_bounds or {}
    _check_names("weights", weights, names)
    _check_names("share_bounds", share_bounds, domains)
    return ask(
        _question(domains, outcomes),
        law,
        {"weights": {name: weights.get(name, 0.0) for name in names}},
        bounds={name: share_bounds.get(name, (0.0, 1.0)) for name in domains},
        limits=limits,
        precision=precision,
    )


def _check_names(argument: str, given: Mapping[str, Tree], known: tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            raise ValueError(f"{argument}: unknown name {name!r}; known are {', '.join(known)}")
