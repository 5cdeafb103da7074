"""Choosing runs from a pool when the law is not known yet, a few at a time."""

from collections.abc import Mapping

import numpy as np

from fitting.design.greedy_choice import POWERS, best_choice
from fitting.design.pool_fits import Pool
from fitting.design.prediction_covariance import covariance_before_a_fit, covariance_of_optima
from fitting.problem.objectives import LogSquares, Objective
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.law import Law
from jaxlaws.precision import float64

_MORE = 5  # runs than coefficients before the law is fitted
_PILOT = 0.5  # share of the budget for these, if it pays for them
_CHEAPEST = 4.0  # power of the cost with which little but the cost counts
_NOISE_BEFORE = 0.2  # against the spread of the losses
_NEAR = 0.2  # weight of all candidates in the first choice, against the region


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
    pool = Pool.read(law_type, candidates, losses, region, objective)
    costs = np.asarray(costs, float)
    if costs.shape != np.shape(losses):
        raise ValueError(f"costs: expected the shape {np.shape(losses)}, got {costs.shape}")
    if not np.all(costs > 0):
        raise ValueError("costs: expected numbers above zero")
    num_rows = len(pool.weights)
    prices = np.pad(costs, (0, num_rows - len(costs)), constant_values=np.inf)
    rows = np.where(np.arange(num_rows) < len(next(iter(pool.inputs.values()))), 1.0, 0.0)
    importance = pool.in_region / pool.in_region.sum()
    num_known, num_free = int(pool.is_known.sum()), len(pool.problem.parameters.free)
    missing = num_free + _MORE - num_known
    with float64():
        if missing > 0:
            before = np.pad(covariance_before_a_fit(pool.inputs), (0, num_rows - int(rows.sum())))
            covariance = _after(before, pool.is_known)
            importance = importance + _NEAR * rows / rows.sum()
            noise, most, powers = _NOISE_BEFORE, missing, (*POWERS, _CHEAPEST)
            shares = (1.0,) if num_known else (_PILOT, 1.0)
        else:
            optima = pool.optima(seed)
            noise = optima.noise()
            covariance = covariance_of_optima(
                pool.problem, optima.batch, optima.shares(), noise, rows
            )
            most, powers, shares = None, POWERS, (1.0,)
        found = np.zeros(0, int)
        for share in shares:
            found = best_choice(
                np.asarray(covariance)[None],
                importance[None],
                np.full(num_rows, noise),
                prices,
                ~pool.is_known & np.isfinite(prices),
                share * budget,
                most,
                powers,
                least=most or 1,
            ).places
            if len(found) >= missing:
                break
    return found


def _after(covariance: np.ndarray, is_known: np.ndarray) -> np.ndarray:
    """The covariance when the losses of some runs are known."""
    across = covariance[:, is_known]
    own = across[is_known] + _NOISE_BEFORE**2 * np.eye(int(is_known.sum()))
    return covariance - across @ np.linalg.solve(own, across.T)
