"""The fit of a law to few runs of a pool, with a prior of its predictions."""

from collections.abc import Mapping

from fitting.design.pool.rows import Pool
from fitting.problem.objectives import LogSquares, Objective
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.law import Law
from jaxlaws.precision import float64


def fit_pool(
    law_type: type[Law],
    candidates: Mapping[str, Array],
    losses: Array,
    *,
    region: Mapping[str, Array],
    objective: Objective = LogSquares(),
    seed: int = 0,
) -> Law:
    """Fit a law to the trained runs of a pool, of which there may be few.

    With about as many runs as coefficients, a fit goes through the points and can predict anything
    elsewhere. Therefore there is a prior: the predictions for the region and for other runs of the
    pool are near a trend, which is a power of each input above a floor. The trend knows how far off
    it may be, and the noise of the losses is estimated from the fit. A prediction of the trend
    counts for the square of the ratio of the noise to its own error: as much as a run where the law
    fits the runs no better than the trend, and nearly nothing where the law fits them exactly. All
    together count for two runs at most.

    Args:
        law_type: the class of the law.
        candidates: the inputs of the runs by name, `(num_candidates,)` each.
        losses: of the runs, NaN where a run is not trained, `(num_candidates,)`; of a law with
            several outcomes `(num_candidates, num_outcomes)`.
        region: the inputs of runs whose losses are to be predicted, by name.
        objective: of the fit.
        seed: of the starts of the fit.

    Raises:
        ValueError: a shape or a name of an input does not agree, or no loss is known.

    >>> import numpy as np
    >>> from fitting import fit_pool
    >>> from jaxlaws import presets
    >>> from jaxlaws.laws.kaplan import Kaplan
    >>> sizes, tokens = np.geomspace(1e7, 1e9, 12), np.tile([1e9, 4e9, 2e10], 4)
    >>> candidates = {"num_params": sizes, "num_tokens": tokens}
    >>> losses = np.array(presets.load("kaplan2020").loss(**candidates))
    >>> losses[7:] = np.nan
    >>> region = {"num_params": [1e9], "num_tokens": [2e10]}
    >>> law = fit_pool(Kaplan, candidates, losses, region=region)
    >>> f"{law.loss(num_params=1e9, num_tokens=2e10):.2f}"
    '2.37'
    """
    pool = Pool.read(law_type, candidates, losses, region, objective)
    if not len(pool.known):
        raise ValueError("losses: expected a known one or more, got none")
    with float64():
        return pool.optima(seed).law()
