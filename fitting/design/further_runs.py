"""Which runs to train next, so that a quantity or a region is known best."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

import jax.numpy as jnp
import numpy as np

from fitting.data.runs import Runs
from fitting.design.continuous_design import Box, Cost, best_places, check_box
from fitting.design.design_question import (
    box_of,
    check_inside,
    check_question,
    columns_of,
    default_cost,
    rounded_inputs,
    sizes_of,
)
from fitting.design.greedy_choice import POWERS, best_of_runs
from fitting.design.knowledge import Knowledge, Quantity, root_of
from fitting.design.next_runs_answer import NextRuns
from fitting.design.noise_by_cost import noise_of_fit
from fitting.design.plan_regret import planned_size, regret_of_plan
from fitting.estimation.options import check_choice
from fitting.estimation.results import FitResult
from fitting.minimiser.multi_start import laws_of
from fitting.minimiser.status import Status
from fitting.problem.batched_problem import Batch
from fitting.uncertainty.refit_problem import FitProblem
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.law import Law
from jaxlaws.foundations.quantities import format_flops
from jaxlaws.precision import float64

_NUM_DRAWS = 7  # laws around the fit for which the design is good as well
_NUM_PLANS = 128  # laws of the expected regret
_ALL_SPENT = 0.95  # of a budget: the rest may be lost in rounding and in the search
Order = Literal["joint", "greedy"]


def next_runs(
    result: FitResult | Sequence[FitResult],
    runs: Runs,
    *,
    flops: float,
    quantity: Quantity | None = None,
    region: Mapping[str, Array] | None = None,
    plan_flops: float | None = None,
    candidates: Mapping[str, Array] | None = None,
    num_runs: int = 8,
    order: Order = "joint",
    bounds: Mapping[str, tuple[float, float]] | None = None,
    largest_run: float | None = None,
    shapes: Sequence[float] | None = None,
    cost: Cost | None = None,
    noise_varies: bool = False,
    level: float = 0.9,
    seed: int = 0,
) -> NextRuns:
    """The runs to train next with a budget, so that the fitted law answers a question best.

    The expected variance of the answer follows from the derivatives of the predictions with
    respect to the coefficients (the Fisher information): it does not depend on the losses that the
    runs will have. It is averaged over the fitted law and laws drawn around it and, if several fits
    are given, over these, each divided by its variance before the runs.

    Without `candidates` the inputs of the runs are free within bounds: a design by gradients, from
    many starts in one program. Their sizes and tokens have four digits. With candidates, runs are
    chosen from these.

    Args:
        result: the fit, or fits of several laws to the same runs.
        runs: the runs of the fit.
        flops: the budget for the runs, in the unit of `cost`.
        quantity: a JAX function from a law to the number that is to be known, such as the logarithm
            of a planned size.
        region: the inputs of runs whose losses are to be known, by name, in place of a quantity.
        plan_flops: the budget of a compute-optimal supervised plan: the answer then has its
            expected regret. Without a quantity and a region, the quantity is the logarithm of the
            planned size.
        candidates: the inputs of runs from which to choose, `(num_candidates,)` each.
        num_runs: number of runs of a free design; from candidates, the largest number.
        order: `joint`, all runs of a free design together, or `greedy`, one after another.
        bounds: least and greatest value of inputs of a free design, by name. By default they are a
            factor of 3 beyond the runs of the fit. So are the tokens per parameter, also where
            the bounds of inputs are given; `tokens_per_param` sets their bounds. Runs with few
            tokens for their size often do not follow the law.
        largest_run: the largest cost of a run; None: the budget.
        shapes: the sizes of models that exist; a free design uses no other size.
        cost: the cost of runs from their inputs by name (keywords), in JAX; None: `6 N D`, for a
            student without the cost of its teacher.
        noise_varies: whether the noise is estimated as a power of the cost of a run. Otherwise it
            is the same for all runs.
        level: the share of the intervals.
        seed: of the starts and of the draws.

    Raises:
        ValueError: there is no question, or there are two; the budget does not pay for the runs;
            a bound, a size or an input is not valid; or the runs are not those of the fit.
        TypeError: the law has several outcomes, or no cost is known for its runs.

    A sub-law that was fitted first does not move. For a law without a fit, see `choose_runs`.

    >>> from fitting import LogSquares, Runs, fit, next_runs
    >>> from jaxlaws.laws.kaplan import Kaplan
    >>> sizes, tokens = np.geomspace(1e7, 1e9, 9), np.tile([1e9, 4e9, 2e10], 3)
    >>> loss = (3e13 / sizes) ** 0.08 * (1 + 0.01 * np.sin(np.arange(9.0))) + 3e8 / tokens
    >>> runs = Runs.read({"num_params": sizes, "num_tokens": tokens, "loss": loss})
    >>> result = fit(Kaplan, runs, objective=LogSquares(), num_starts=8)
    >>> region = {"num_params": [1e10], "num_tokens": [2e11]}
    >>> candidates = {"num_params": [1e9, 3e9, 1e7], "num_tokens": [4e10, 2e10, 2e10]}
    >>> found = next_runs(result, runs, flops=4e20, region=region, candidates=candidates)
    >>> bool(found.sd_after[-1] < found.sd), bool(found.costs.sum() <= 4e20)
    (True, True)
    """
    fits = (result,) if isinstance(result, FitResult) else tuple(result)
    names = check_question(fits, quantity, region, plan_flops, flops, num_runs, level)
    check_choice("order", order, ("joint", "greedy"))
    if quantity is None and region is None:
        assert plan_flops is not None
        quantity = planned_size(plan_flops)
    cost = default_cost(names) if cost is None else cost
    where = None if region is None else columns_of("region", region, names)
    with float64():
        called = runs.for_law(type(fits[0].law))
        known = {name: called.inputs[name] for name in names}
        spent = _costs(cost, known)
        problems = [FitProblem.of(each, runs, has_likelihood=False) for each in fits]
        check_inside(problems)
        knowledge = tuple(
            Knowledge.of(
                problem,
                noise_of_fit(problem, each, runs, spent, varies=noise_varies),
                spent,
                quantity,
                where,
                _NUM_DRAWS,
                seed,
            )
            for each, problem in zip(fits, problems, strict=True)
        )
        largest = flops if largest_run is None else min(largest_run, flops)
        if candidates is not None:
            inputs = columns_of("candidates", candidates, names)
            costs = _costs(cost, inputs)
            found = best_of_runs(
                knowledge, inputs, costs, costs <= largest, flops, num_runs, POWERS
            )
        else:
            box = box_of(fits[0].law, known, bounds or {}, cost)
            sizes = sizes_of(box, shapes)
            check_box(box, num_runs, flops, sizes)
            places = _designed(box, knowledge, num_runs, flops, largest, seed, sizes, order)
            inputs = {name: np.asarray(values) for name, values in box.inputs(places).items()}
            inputs = rounded_inputs(fits[0].law, inputs, box, sizes)
            costs = _costs(cost, inputs)
            every = np.ones(num_runs, bool)
            found = best_of_runs(knowledge, inputs, costs, every, np.inf, num_runs, (1.0,))
        inputs = {name: values[found.places] for name, values in inputs.items()}
        costs = costs[found.places]
        first, law = knowledge[0], fits[0].law
        value = _value(law, quantity, where)
        sd = float(jnp.sqrt(first.variances(first.information)[0]))
        regret = None
        if plan_flops is not None:
            more = first.with_runs(inputs, costs)[0]
            before, after = (
                _laws_around(problems[0], np.asarray(each), seed)
                for each in (first.information[0], more)
            )
            regret = regret_of_plan(law, before, after, flops=plan_flops, cost=float(costs.sum()))
    return NextRuns(
        inputs=inputs,
        costs=costs,
        places=None if candidates is None else found.places,
        value=value,
        sd=sd,
        sd_after=sd * np.sqrt(found.variances),
        quantile=_quantile(level, len(called) - len(problems[0].vector)),
        level=level,
        noise=np.broadcast_to(np.asarray(first.noise.at(costs)), costs.shape),
        known_inputs=known,
        regret=regret,
        notes=_notes(fits, costs, flops, is_free=candidates is None),
    )


def _costs(cost: Cost, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    num = len(next(iter(inputs.values())))
    return np.broadcast_to(np.asarray(cost(**inputs), float), num)


def _designed(
    box: Box,
    knowledge: tuple[Knowledge, ...],
    num_runs: int,
    budget: float,
    largest: float,
    seed: int,
    sizes: tuple[str, np.ndarray] | None,
    order: Order,
) -> np.ndarray:
    """Places of the runs of a free design, `(num_runs, num_inputs)`."""
    if order == "joint":
        return best_places(box, knowledge, num_runs, budget, largest, seed, sizes)
    found, left = [], budget
    for i in range(num_runs):
        share = min(left / (num_runs - i), largest)
        places = best_places(box, knowledge, 1, share, largest, seed + i, sizes)
        inputs, costs = box.inputs(places), box.costs(places)
        knowledge = tuple(
            dataclasses.replace(each, information=each.with_runs(inputs, costs))
            for each in knowledge
        )
        found.append(places)
        left -= float(np.sum(costs))
    return np.concatenate(found)


def _value(law: Law, quantity: Quantity | None, region: Mapping[str, np.ndarray] | None) -> float:
    if region is not None:
        return float(np.mean(law.loss(**region)))
    assert quantity is not None
    value = float(quantity(law))
    if not np.isfinite(value):
        raise ValueError(f"the quantity of the fitted law is {value}")
    return value


def _laws_around(fitted: FitProblem, information: np.ndarray, seed: int) -> Law:
    """Laws that the runs allow, a batched law."""
    random = np.random.default_rng(seed)
    normal = random.normal(size=(_NUM_PLANS, len(fitted.vector)))
    vectors = fitted.vector + normal @ root_of(information)
    rows = np.tile(fitted.weights, (_NUM_PLANS, 1))
    return laws_of(fitted.problem, Batch(vectors, rows, fitted.frozen))


def _quantile(level: float, spare: int) -> float:
    """Half the width of an interval in standard deviations, by Student's t."""
    from scipy.special import stdtrit  # imported when used: it is slow

    return float(stdtrit(max(spare, 1), 0.5 + level / 2))


def _notes(
    fits: Sequence[FitResult], costs: np.ndarray, budget: float, *, is_free: bool
) -> tuple[str, ...]:
    notes = [
        f"The fit of {type(each.law).__name__} ended with the status {each.status.name}: the "
        "choice is made for laws near it."
        for each in fits
        if each.status != Status.CONVERGED
    ]
    if any(each.stages for each in fits):
        notes.append("The sub-law that was fitted first counts as known.")
    spent = float(np.sum(costs))
    if is_free and spent < _ALL_SPENT * budget:
        notes.append(
            f"{format_flops(spent)} of the budget of {format_flops(budget)} is used: within the "
            f"bounds, more compute for these {len(costs)} runs would add almost nothing. More runs "
            "or wider bounds could use it."
        )
    return tuple(notes)
