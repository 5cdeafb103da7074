"""Choosing runs from a pool when the law is not known yet, a few at a time."""

from collections.abc import Mapping

import numpy as np

from fitting.design.greedy_choice import POWERS, best_choice
from fitting.design.pool.covariance import factors_before_a_fit, factors_of_optima
from fitting.design.pool.rows import Pool
from fitting.design.pool.trend import axes_of, spread_places
from fitting.problem.batched_problem import pad_rows
from fitting.problem.objectives import LogSquares, Objective
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.law import Law
from jaxlaws.precision import float64

_MORE = 5  # runs than coefficients before the law is fitted
_PILOT = 0.5  # share of the budget for these, if it pays for them
_CHEAPEST = 4.0  # power of the cost with which little but the cost counts
_NOISE_BEFORE = 0.2  # against the spread of the losses
_MOST_TARGETS = 64
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
        losses: of the runs, NaN where a run is not trained, `(num_candidates,)`; of a law with
            several outcomes `(num_candidates, num_outcomes)`.
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
    if costs.shape != (pool.num_runs,):
        raise ValueError(f"costs: expected the shape {(pool.num_runs,)}, got {costs.shape}")
    if not np.all(costs > 0):
        raise ValueError("costs: expected numbers above zero")
    is_free = ~np.isin(np.arange(pool.num_runs), pool.known)
    least = -(-pool.num_free // pool.num_outcomes) + _MORE
    missing = least - len(pool.known)
    if missing > 0:
        runs, targets, importance = _before_a_fit(pool)
        noise, most, powers = _NOISE_BEFORE, missing, (*POWERS, _CHEAPEST)
        shares = (1.0,) if len(pool.known) else (_PILOT, 1.0)
    else:
        runs, targets, importance, noise = _after_a_fit(pool, seed)
        most, powers, shares = None, POWERS, (1.0,)
    found = np.zeros(0, int)
    with float64():
        for share in shares:
            found = best_choice(
                runs[None],
                targets[None],
                importance[None],
                np.full(runs.shape[1], noise),
                pad_rows(costs, fill=np.inf),
                pad_rows(is_free, fill=False),
                share * budget,
                most,
                powers,
                least=most or 1,
            ).places
            if len(found) >= missing:
                break
    return found


def _before_a_fit(pool: Pool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Factors of the runs and of the targets, and the importance of these, without a law."""
    axes = axes_of(pool.inputs)
    factors = factors_before_a_fit(axes, pool.known, _NOISE_BEFORE)
    region = np.arange(pool.num_runs, len(axes))
    others = spread_places(axes, _MOST_TARGETS)
    importance = [np.full(len(region), 1 / len(region)), np.full(len(others), _NEAR / len(others))]
    targets = factors[:, np.concatenate([region, others])]
    return pad_rows(factors[:, : pool.num_runs], fill=0.0), targets, np.concatenate(importance)


def _after_a_fit(pool: Pool, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Factors of the runs and of the targets, the importance of these, and the noise."""
    num_rows = len(next(iter(pool.inputs.values()))) * pool.num_outcomes
    with float64():
        optima = pool.optima(seed)
        noise = optima.noise()
        rows = np.where(np.arange(len(pool.problem.observed)) < num_rows, 1.0, 0.0)
        factors = np.asarray(
            factors_of_optima(pool.problem, optima.batch, optima.shares(), noise, rows)
        )
    first = pool.num_runs * pool.num_outcomes
    targets = factors[:, first:num_rows]
    importance = np.full(targets.shape[1], 1 / targets.shape[1])
    runs = factors[:, :first].reshape(len(factors), pool.num_runs, -1)
    runs = np.moveaxis(pad_rows(np.moveaxis(runs, 1, 2), fill=0.0), 2, 1)
    return runs, targets, importance, noise
