"""Choosing runs from a pool when the law is not known yet, a few at a time."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from fitting.design.design_question import columns_of
from fitting.design.greedy_choice import POWERS, best_choice
from fitting.design.pool_fits import search_optima
from fitting.design.prediction_covariance import covariance_before_a_fit, covariance_of_optima
from fitting.problem.batched_problem import BatchedProblem, pad_rows
from fitting.problem.objectives import LogSquares, Objective
from fitting.problem.parameters import Parameters
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.law import Law
from jaxlaws.precision import float64

_MORE = 2  # runs than coefficients before the law is fitted
_PILOT = 0.5  # share of the budget for these, if it pays for them
_CHEAPEST = 4.0  # power of the cost with which little but the cost counts
_NOISE_BEFORE = 0.05  # against the spread of the losses
_NEAR = 0.2  # weight of all candidates in the first choice, against the region
_NOISE = 0.01  # expected before a fit, as a share of a typical loss
_STRENGTH = 4.0  # number of runs that this expectation counts for
_DOUBT = 0.3  # of predictions before the runs, as a share of the spread of the losses


def choose_runs(
    law_type: type[Law],
    candidates: Mapping[str, Array],
    losses: Array,
    costs: Array,
    *,
    region: Mapping[str, Array],
    budget: float,
    objective: Objective = LogSquares(),
    seed: int = 0,
) -> np.ndarray:
    """The runs of a pool to train next, so that the losses in a region are predicted best.

    Nothing need be known at first. Train the first of the runs, or the first few; enter their
    losses; call the function again with what is left of the budget. While too few losses are known
    to fit the law, the choice spreads the runs over the inputs. Then it is made by the expected
    variance of the predictions in the region, over the optima of the fit and within them (Li et al.
    2026, arXiv 2604.22753), with a plan for the whole budget.

    Args:
        law_type: the class of the law.
        candidates: the inputs of the runs by name, `(num_candidates,)` each.
        losses: of the runs, NaN where a run is not trained, `(num_candidates,)`.
        costs: of the runs, `(num_candidates,)`.
        region: the inputs of runs whose losses are to be predicted, by name.
        budget: what is left for further runs, in the unit of the costs.
        objective: of the fit.
        seed: of the starts of the fit.

    Returns:
        The places of the runs, in the order in which to train them; empty if the budget pays for
        none.

    Raises:
        ValueError: a shape or a name of an input does not agree, or a cost is not above zero.

    >>> from fitting import choose_runs
    >>> from jaxlaws.laws.kaplan import Kaplan
    >>> sizes, tokens = np.geomspace(1e7, 1e9, 12), np.tile([1e9, 4e9, 2e10], 4)
    >>> candidates, costs = {"num_params": sizes, "num_tokens": tokens}, 6 * sizes * tokens
    >>> region = {"num_params": [1e10], "num_tokens": [2e11]}
    >>> unknown = np.full(12, np.nan)
    >>> first = choose_runs(Kaplan, candidates, unknown, costs, region=region, budget=1e20)
    >>> bool(costs[first].sum() <= 1e20), len(first) == len(set(first.tolist()))
    (True, True)
    """
    names = law_type.input_names
    pool = columns_of("candidates", candidates, names)
    targets = columns_of("region", region, names)
    losses, costs = np.asarray(losses, float), np.asarray(costs, float)
    num, num_targets = len(pool[names[0]]), len(targets[names[0]])
    for name, each in (("losses", losses), ("costs", costs)):
        if each.shape != (num,):
            raise ValueError(f"{name}: expected the shape {(num,)}, got {each.shape}")
    if not np.all(costs > 0):
        raise ValueError("costs: expected numbers above zero")
    inputs = {name: np.concatenate([pool[name], targets[name]]) for name in names}
    is_known = np.concatenate([np.isfinite(losses), np.zeros(num_targets, bool)])
    observed = np.where(is_known, np.pad(losses, (0, num_targets)), 1.0)
    with float64():
        problem = BatchedProblem.pose(
            Parameters.of(law_type, {}), objective, inputs, np.ones(len(observed)), {}
        )
        problem = dataclasses.replace(problem, observed=pad_rows(observed))
        rows = np.zeros(len(problem.observed))
        rows[: num + num_targets] = 1.0
        num_padded = len(rows) - len(observed)
        weights = np.pad(is_known.astype(float), (0, num_padded))
        importance = np.zeros(len(rows))
        importance[num : num + num_targets] = 1 / num_targets
        prices = np.pad(costs, (0, len(rows) - num), constant_values=np.inf)
        is_free = (weights == 0) & np.isfinite(prices)
        num_known, num_free = int(is_known.sum()), len(problem.parameters.free)
        missing = num_free + _MORE - num_known
        if missing > 0:
            covariance = _after(covariance_before_a_fit(inputs), is_known)
            covariance = np.pad(covariance, (0, num_padded))
            importance += _NEAR * rows / rows.sum()
            noise, most, powers = _NOISE_BEFORE, missing, (*POWERS, _CHEAPEST)
            shares = (1.0,) if num_known else (_PILOT, 1.0)
        else:
            sizes = np.asarray(objective.residuals(observed[is_known], np.ones(num_known)))
            expected = _NOISE * float(np.median(np.abs(_slope(objective, observed[is_known]))))
            optima = search_optima(problem, weights, seed)
            noise = optima.noise(num_known, expected, _STRENGTH)
            covariance = covariance_of_optima(
                problem,
                optima.batch,
                optima.shares(num_known, expected, _STRENGTH),
                noise,
                _DOUBT * max(float(np.std(sizes)), noise),
                rows,
            )
            most, powers, shares = None, POWERS, (1.0,)
        found = np.zeros(0, int)
        for share in shares:
            found = best_choice(
                np.asarray(covariance)[None],
                importance[None],
                np.full(len(rows), noise),
                prices,
                is_free,
                share * budget,
                most,
                powers,
                least=most or 1,
            ).places
            if len(found) >= missing:
                break
    return found


def _slope(objective: Objective, losses: np.ndarray) -> np.ndarray:
    """Typical losses in the unit of the residuals: 1 for residuals of logarithms."""
    change = 1e-6 * losses
    return np.asarray(objective.residuals(losses + change, losses)) / 1e-6


def _after(covariance: np.ndarray, is_known: np.ndarray) -> np.ndarray:
    """The covariance when the losses of some runs are known."""
    across = covariance[:, is_known]
    own = across[is_known] + _NOISE_BEFORE**2 * np.eye(int(is_known.sum()))
    return covariance - across @ np.linalg.solve(own, across.T)
