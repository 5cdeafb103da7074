"""From runs to coefficients: `fit`."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from fitting.centring import Scales
from fitting.freezing import draws_of, sort_out, values_of
from fitting.identifiability import judge, noise_of
from fitting.minimiser import Minima, minimise, residuals_of, searched
from fitting.objectives import Huber, Objective
from fitting.parameters import Parameters, sub_laws
from fitting.problem import Lanes, Problem, pad_rows
from fitting.results import FitResult
from fitting.runs import Runs
from fitting.status import Status
from fitting.uncertainty import cluster_weights, pairs_weights, refit
from jaxlaws.errors import DataError, NotSolvedError
from jaxlaws.inputs import INPUTS
from jaxlaws.precision import float64

_SEARCH_STEPS = 20  # of Optax, before the polish
_SAME_OBJECTIVE = 1e-4  # relative; much nearer, and predictions no longer differ
_LOSS_UNIT = INPUTS["teacher_loss"].unit


def fit(
    law_type: type[Any],
    runs: Runs,
    *,
    objective: Objective = Huber(1e-3),  # noqa: B008 - immutable
    num_starts: int = 256,
    bootstrap: int = 0,
    cluster: str | None = None,
    weights: str | None = None,
    freeze: Mapping[str, Any] | None = None,
    seed: int = 0,
    throw: bool = False,
) -> FitResult:
    """Fit a law to runs, from many random starts, in float64.

    A law made of another (the distillation laws) is fitted in two stages: its sub-law first, to
    the rows of its own kind, then the rest with the sub-law frozen.

    Args:
        law_type: the class of the law.
        runs: the table; the rows that the law's inputs call for are taken.
        objective: what is minimised.
        num_starts: random starts.
        bootstrap: number of resampled tables to fit as well, for intervals.
        cluster: a column whose groups the bootstrap resamples whole, for runs that are not
            independent of one another, such as checkpoints of one training; None: single runs.
        weights: a column of numbers above zero, in proportion to which each run counts; None:
            all alike.
        freeze: coefficients that do not move, by name (`{"E": 1.69, "supervised.E": 1.2}`), and
            whole sub-laws (`{"supervised": law}`). A `FitResult` as sub-law pairs each replicate
            with one of its own, so that its uncertainty is carried on.
        seed: of the starts and of the bootstrap.
        throw: raise where the fit has not converged, instead of only saying so in its status.

    Returns:
        The fit; its `law` and `ensemble` have NumPy float64 leaves.

    Raises:
        TypeError: `law_type` is no class of laws, or something frozen has the wrong type.
        ValueError: an option is out of range, a name in `freeze` is unknown, a column is missing
            or cannot be used, or there are too few runs for the coefficients.
        DataError: the table lacks what the law needs; see `Runs.for_law`.
        NotSolvedError: with `throw`, where the status is neither CONVERGED nor ON_BOUND nor
            FLAT_DIRECTION.

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
    _check(law_type, objective, num_starts, bootstrap)
    given, inner = sort_out(law_type, freeze or {})
    options: dict[str, Any] = {
        "objective": objective,
        "num_starts": num_starts,
        "bootstrap": bootstrap,
        "cluster": cluster,
        "weights": weights,
        "seed": seed,
    }
    stages = {
        name: _first_stage(name, sub_type, runs, inner[name], options)
        for name, sub_type in sub_laws(law_type).items()
        if name not in given
    }
    chosen = runs.for_law(law_type)
    stages |= {name: value for name, value in given.items() if isinstance(value, FitResult)}
    with float64():
        result = _fit(law_type, chosen, given | stages, stages, **options)
    if throw and result.status > Status.FLAT_DIRECTION:
        raise NotSolvedError(f"the fit ended as {result.status.name}", result)
    return result


def _check(law_type: Any, objective: Any, num_starts: int, bootstrap: int) -> None:
    if not (isinstance(law_type, type) and dataclasses.is_dataclass(law_type)) or not (
        hasattr(law_type, "input_names") and hasattr(law_type, "loss")
    ):
        raise TypeError(
            "expected the class of a law, such as jaxlaws.laws.chinchilla.Chinchilla, with "
            f"input_names and loss, got {law_type!r}"
        )
    if not isinstance(objective, Objective) or isinstance(objective, type):
        raise TypeError(f"expected an objective such as Huber(1e-3), got {objective!r}")
    for name, value, least in (("num_starts", num_starts, 1), ("bootstrap", bootstrap, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"{name}: expected an integer of {least} or more, got {value!r}")


def _first_stage(
    name: str, sub_type: type[Any], runs: Runs, freeze: Mapping[str, Any], options: dict[str, Any]
) -> FitResult:
    try:
        chosen = runs.for_law(sub_type)
    except DataError as error:
        raise DataError(
            f"the law's {name} law is fitted first, to runs of its own, or frozen: pass "
            f"freeze={{{name!r}: a law}} (--freeze {name}=PRESET_OR_FILE). {error}"
        ) from None
    return fit(sub_type, chosen, freeze=freeze, **options)


def _fit(
    law_type: type[Any],
    runs: Runs,
    given: Mapping[str, Any],
    stages: Mapping[str, FitResult],
    *,
    objective: Objective,
    num_starts: int,
    bootstrap: int,
    cluster: str | None,
    weights: str | None,
    seed: int,
) -> FitResult:
    frozen = values_of(given)
    parameters = Parameters.of(law_type, frozen)
    num_free = len(parameters.free)
    if not num_free:
        raise ValueError(f"every coefficient of {law_type.__name__} is frozen: nothing to fit")
    if len(runs) <= num_free:
        raise ValueError(
            f"{len(runs)} runs are too few for the {num_free} coefficients of "
            f"{law_type.__name__} ({', '.join(parameters.names)}): add runs or freeze some"
        )
    inputs = {name: runs.inputs[name] for name in law_type.input_names}
    problem = Problem.pose(parameters, objective, inputs, runs.loss, frozen)
    weighted = np.ones(len(runs)) if weights is None else _weights(runs, weights)
    lanes = Lanes(
        _starts(parameters, problem.scales, num_starts, seed),
        np.tile(pad_rows(weighted, fill=0.0), (num_starts, 1)),
        frozen,
    )
    lanes = lanes.at(searched(problem, lanes, _SEARCH_STEPS)[0])
    minima = minimise(problem, lanes, is_worth_it=_leaders)
    best = minima.take([_best(minima)])
    law = problem.law(best.vectors[0], frozen)
    residuals = residuals_of(problem, lanes.take(problem, np.array([0])).at(best.vectors))[0]
    residuals = residuals[: len(runs)]
    _check_units(law, objective.residuals(law.loss(**inputs), runs.loss), residuals)
    noise = noise_of(residuals)
    judged = judge(parameters, best, noise)
    told = judged.describe(parameters.names)
    slope, lowest = float(objective.slope()), float(best.costs[0])
    ensemble = ensemble_status = None
    if bootstrap:
        if cluster is None:
            counts = pairs_weights(len(runs), bootstrap, seed)
        else:
            counts = cluster_weights(runs.groups(cluster), bootstrap, seed)
        ensemble, ensemble_status = _bootstrap(
            problem, best.vectors[0], given, counts * weighted, noise
        )
    return FitResult(
        law=law,
        ensemble=ensemble,
        ensemble_status=ensemble_status,
        status=Status(judged.status[0]),
        objective=lowest * slope,
        objective_by_start=minima.costs * slope,
        starts_agreeing=float(np.mean(minima.costs <= lowest * (1 + _SAME_OBJECTIVE))),
        gradient_norm=float(best.gradient_norms[0]),
        fitted_range={k: (float(v.min()), float(v.max())) for k, v in inputs.items()},
        identifiability=told,
        num_runs=len(runs),
        num_left=0 if runs.left is None else len(runs.left),
        frozen=tuple(given),
        stages=stages,
        warnings=(*runs.weaknesses(law_type.input_names), *told.notes),
    )


def _weights(runs: Runs, column: str) -> np.ndarray:
    """The weight of each run, `(num_runs,)`, one on average."""
    values = runs.column(column)
    numbers = np.full(len(runs), np.nan) if values.dtype.kind == "U" else values
    wrong = ~((numbers > 0) & (numbers < np.inf))
    if wrong.any():
        row, value = runs.rows[wrong][0], values[wrong][0]
        raise ValueError(
            f"{runs.source}: weights are finite numbers above zero; row {row} of column "
            f"{column!r} has {value}"
        )
    return values / values.mean()


def _starts(parameters: Parameters, scales: Scales, num_starts: int, seed: int) -> np.ndarray:
    """Random vectors, `(num_starts, num_free)`.

    In centred units coefficients are of order one, and so are their unconstrained numbers. In
    others they may be of any size.
    """
    normal = np.random.default_rng(seed).normal(size=(num_starts, len(parameters.free)))
    units = {INPUTS[name].unit for name in parameters.law_type.input_names} - {_LOSS_UNIT}
    return normal if units <= set(scales) else np.sinh(3 * normal)


def _leaders(minima: Minima) -> np.ndarray:
    """Starts to go on with: none once the best has converged, else those that are near it."""
    near = minima.costs <= minima.costs.min() * (1 + 1e-3)
    return near & (not minima.converged[_best(minima)])


def _best(minima: Minima) -> int:
    """The lowest minimum; of those that differ by rounding only, the flattest."""
    same = minima.costs <= minima.costs.min() * (1 + 1e-12)
    return int(np.argmin(np.where(same, minima.gradient_norms, np.inf)))


def _check_units(law: Any, residuals: Any, centred: np.ndarray) -> None:
    """The change of units must not change the predictions: else the law declares wrong ones."""
    if np.any(np.abs(np.asarray(residuals) - centred) > 1e-6):
        raise TypeError(
            f"{type(law).__name__} declares units (unit_of=, power=) on its coefficients that its "
            "formula does not have: A / N**alpha wants A = positive(unit_of='num_params', "
            "power='alpha')"
        )


def _bootstrap(
    problem: Problem, start: np.ndarray, given: Mapping[str, Any], weights: np.ndarray, noise: float
) -> tuple[Any, np.ndarray]:
    """The batched law of all replicates, and the status of each."""
    num_draws = len(weights)
    frozen = draws_of(given, num_draws)
    problem = dataclasses.replace(problem, paired=frozen is not None)
    alike = values_of(given)
    lanes = Lanes(np.tile(start, (num_draws, 1)), pad_rows(weights, fill=0.0), frozen or alike)
    minima = refit(problem, lanes)
    status = judge(problem.parameters, minima, noise).status
    repeated = jax.tree.map(lambda leaf: np.full(num_draws, leaf), alike)
    return problem.law(minima.vectors, frozen or repeated), status
