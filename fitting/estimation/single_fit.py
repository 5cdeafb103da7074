"""From runs to coefficients: `fit`."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from fitting.data.runs import Runs
from fitting.estimation.freezing import sort_out
from fitting.estimation.options import Options, check_choice, check_numbers
from fitting.estimation.pipeline import solve
from fitting.estimation.resampling import METHODS
from fitting.estimation.results import FitResult
from fitting.minimiser.starts import STARTS
from fitting.minimiser.status import Status
from fitting.problem.coefficient_names import sub_laws
from fitting.problem.objectives import Huber, Objective
from fitting.problem.priors import Prior
from fitting.problem.restraints import Restraints
from jaxlaws.foundations.errors import DataError, NotSolvedError
from jaxlaws.precision import float64


def fit(
    law_type: type[Any],
    runs: Runs,
    *,
    objective: Objective = Huber(1e-3),  # noqa: B008 - immutable
    num_starts: int = 256,
    starts: str = "random",
    bootstrap: int = 0,
    resample: str = "pairs",
    jackknife: bool = False,
    cluster: str | None = None,
    weights: str | None = None,
    freeze: Mapping[str, Any] | None = None,
    tie: Mapping[str, str] | None = None,
    bounds: Mapping[str, tuple[float | None, float | None]] | None = None,
    priors: Mapping[str, Prior] | None = None,
    seed: int = 0,
    throw: bool = False,
) -> FitResult:
    """Fit a law to runs, from many starts, in float64.

    A law made of another (the distillation laws) is fitted in two stages: its sub-law first, to
    the rows of its own kind, then the rest with the sub-law frozen. Coefficients of the sub-law
    are named `supervised.E`.

    Args:
        law_type: the class of the law.
        runs: the table; the rows that the law's inputs call for are taken.
        objective: what is minimised.
        num_starts: number of starts.
        starts: how they are spread in centred units: `random`, `quasi-random` or `grid`, the
            largest grid of no more than `num_starts` points; see `starts.spread_points`.
        bootstrap: number of resampled tables to fit as well, for intervals.
        resample: how these tables are made: `pairs` draws runs again, `wild`, `residuals` and
            `parametric` draw their noise; see `resampling`.
        jackknife: fit without each run (or cluster) in turn as well, for intervals by "bca".
        cluster: a column whose groups the bootstrap resamples whole, for runs that are not
            independent of one another, such as checkpoints of one training; None: single runs.
        weights: a column of numbers above zero, in proportion to which each run counts; None:
            all alike.
        freeze: coefficients that do not move, by name (`{"E": 1.69, "supervised.E": 1.2}`), and
            whole sub-laws (`{"supervised": law}`). A `FitResult` as sub-law pairs each replicate
            with one of its own, so that its uncertainty is carried on.
        tie: coefficients that equal another: `{"beta": "alpha"}`, `{"alpha": "supervised.alpha"}`.
        bounds: least and greatest value of a coefficient, None for no bound:
            `{"alpha": (0.1, 0.6)}`. A fit that ends there is ON_BOUND, and warns.
        priors: what is known of a coefficient beforehand, such as `{"E": Normal(1.7, 0.1)}`. The
            fit is then the mode of the posterior by the likelihood that goes with the objective,
            with the spread of the residuals fitted as well. Huber's is a normal density with
            exponential tails: a prior counts as much as it does beside runs of such noise.
        seed: of the starts and of the bootstrap.
        throw: raise where the fit has not converged, instead of only saying so in its status.

    Returns:
        The fit; its `law` and `ensemble` have NumPy float64 leaves.

    Raises:
        TypeError: `law_type` is no class of laws, something frozen, tied, bounded or a prior has
            the wrong type, or priors are given and no likelihood goes with the objective.
        ValueError: an option is out of range, a name is unknown or held twice, a column is
            missing or cannot be used, or there are too few runs for the coefficients.
        DataError: the table lacks what the law needs; see `Runs.for_law`.
        NotSolvedError: with `throw`, where the status is neither CONVERGED nor ON_BOUND nor
            FLAT_DIRECTION.

    >>> import numpy as np
    >>> from fitting import Runs, fit
    >>> from jaxlaws import presets
    >>> from jaxlaws.laws.chinchilla import Chinchilla
    >>> size, tokens = (grid.ravel() for grid in np.meshgrid([1e8, 4e8, 2e9], [2e9, 2e10, 1e11]))
    >>> loss = presets.load("besiroglu2024").loss(num_params=size, num_tokens=tokens)
    >>> runs = Runs.read({"num_params": size, "num_tokens": tokens, "loss": loss})
    >>> result = fit(Chinchilla, runs, freeze={"E": 1.8172})
    >>> result.status.name, round(float(result.law.alpha), 4)
    ('CONVERGED', 0.3478)
    """
    options = Options(
        objective=objective,
        num_starts=num_starts,
        starts=starts,
        bootstrap=bootstrap,
        resample=resample,
        jackknife=jackknife,
        cluster=cluster,
        weights=weights,
        seed=seed,
    )
    held = {"freeze": freeze, "tie": tie, "bounds": bounds, "priors": priors}
    chosen, given, stages, restraints = prepare(law_type, runs, options, held)
    with float64():
        result = solve(law_type, chosen, given, stages, restraints, options)
    if throw and result.status > Status.FLAT_DIRECTION:
        raise NotSolvedError(f"the fit ended as {result.status.name}", result)
    return result


def prepare(
    law_type: type[Any], runs: Runs, options: Options, held: Mapping[str, Mapping[str, Any] | None]
) -> tuple[Runs, dict[str, Any], dict[str, FitResult], Restraints]:
    """Check what a fit is given, and fit its sub-laws.

    Returns:
        The runs that the law calls for, what is frozen, the fits among that, and the restraints.
    """
    _check(law_type, options)
    given, inner = sort_out(law_type, held["freeze"] or {})
    restraints, inner_restraints = Restraints.sort_out(
        law_type, given, *(held[name] or {} for name in ("tie", "bounds", "priors"))
    )
    first = {
        name: _first_stage(name, sub_type, runs, options, {"freeze": inner[name]} | others)
        for name, sub_type in sub_laws(law_type).items()
        if name not in given
        for others in [inner_restraints[name]]
    }
    stages = first | {name: value for name, value in given.items() if isinstance(value, FitResult)}
    return runs.for_law(law_type), given | first, stages, restraints


def _check(law_type: Any, options: Options) -> None:
    if not (isinstance(law_type, type) and dataclasses.is_dataclass(law_type)) or not (
        hasattr(law_type, "input_names") and hasattr(law_type, "loss")
    ):
        raise TypeError(
            "expected the class of a law, such as jaxlaws.laws.chinchilla.Chinchilla, with "
            f"input_names and loss, got {law_type!r}"
        )
    objective = options.objective
    if not isinstance(objective, Objective) or isinstance(objective, type):
        raise TypeError(f"expected an objective such as Huber(1e-3), got {objective!r}")
    check_numbers(num_starts=options.num_starts, bootstrap=options.bootstrap)
    check_choice("starts", options.starts, STARTS)
    check_choice("resample", options.resample, METHODS)
    if options.cluster is not None and options.resample not in ("pairs", "wild"):
        raise ValueError(f"clusters are resampled by pairs or wild, not by {options.resample}")


def _first_stage(
    name: str, sub_type: type[Any], runs: Runs, options: Options, held: Mapping[str, Any]
) -> FitResult:
    try:
        chosen = runs.for_law(sub_type)
    except DataError as error:
        raise DataError(
            f"the law's {name} law is fitted first, to runs of its own, or frozen: pass "
            f"freeze={{{name!r}: a law}} (--freeze {name}=PRESET_OR_FILE). {error}"
        ) from None
    return fit(sub_type, chosen, **vars(options), **held)
