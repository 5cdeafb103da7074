"""The fit itself, of runs and options that are checked: starts, minimisation, judgement, draws."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from fitting.data.runs import Runs
from fitting.estimation.freezing import draws_of, values_of
from fitting.estimation.groups import Groups
from fitting.estimation.options import FitOptions
from fitting.estimation.resampling import (
    cluster_weights,
    jackknife_weights,
    noise_like,
    pairs_weights,
)
from fitting.estimation.results import FitResult
from fitting.minimiser.identifiability import judge, noise_of
from fitting.minimiser.local_optima import SAME_OBJECTIVE, other_optima
from fitting.minimiser.multi_start import (
    Minima,
    laws_of,
    minimise_batch,
    residuals_of,
    search_batch,
)
from fitting.minimiser.refitting import refit
from fitting.minimiser.starts import starting_vectors
from fitting.minimiser.status import Status
from fitting.problem.batched_problem import Batch, BatchedProblem, pad_rows
from fitting.problem.centring import centre_inputs
from fitting.problem.likelihood import spread
from fitting.problem.objectives import StudentT
from fitting.problem.parameters import Parameters
from fitting.problem.restraints import Restraints

_SEARCH_STEPS = 20  # of Optax, before the polish
_SAME_SPREAD = 1e-6  # relative
_MOST_ROUNDS = 50  # of the fit and the spread of its residuals in turn


def solve(
    law_type: type[Any],
    runs: Runs,
    given: Mapping[str, Any],
    stages: Mapping[str, FitResult],
    restraints: Restraints,
    options: FitOptions,
    groups: Groups | None = None,
) -> FitResult:
    """Fit a law to the runs that it calls for, in a float64 context.

    Args:
        law_type: the class of the law.
        runs: those of one kind.
        given: frozen numbers, laws and fits.
        stages: the fits among them.
        restraints: of the law's own coefficients.
        options: of `fit`.
        groups: of the runs, where some coefficients are a group's own.

    Raises:
        ValueError: nothing is free, there are too few runs, or a column cannot be used.
        TypeError: the law declares units that its formula does not have.
    """
    frozen, objective, num_runs = values_of(given), options.objective, len(runs)
    own = () if groups is None else (groups.own, groups.labels)
    parameters = Parameters.of(law_type, frozen, restraints, *own)
    num_free = len(parameters.free)
    if not num_free:
        raise ValueError(f"every coefficient of {law_type.__name__} is frozen: nothing to fit")
    if num_runs <= num_free:
        raise ValueError(
            f"{num_runs} runs are too few for the {num_free} coefficients of "
            f"{law_type.__name__} ({', '.join(parameters.names)}): add runs or freeze some"
        )
    inputs = {name: runs.inputs[name] for name in law_type.input_names}
    problem = BatchedProblem.pose(
        parameters,
        objective,
        inputs,
        runs.loss,
        frozen,
        groups=None if groups is None else groups.places,
        priors=restraints.priors,
    )
    weights = runs.weights(options.weights)
    spread_out = (options.starts, options.num_starts, options.seed)
    starts = starting_vectors(parameters, problem.scales, *spread_out)
    batch = _batch(starts, weights, frozen)
    batch = batch.at(search_batch(problem, batch, _SEARCH_STEPS)[0])
    problem, minima = _minimise(problem, batch, num_runs)
    place = _best(minima)
    best = minima.take([place])
    entry = batch.take(problem, np.array([0])).at(best.vectors)
    residuals = residuals_of(problem, entry)[0]
    law = jax.tree.map(lambda leaf: leaf[0], laws_of(problem, entry))
    _check_units(problem, law, residuals, num_runs)
    residuals = residuals[:num_runs]
    noise = noise_of(residuals)
    judged = judge(problem, entry, best, noise)
    told = judged.describe()
    optima = other_optima(problem, batch, minima, place, noise)
    slope, lowest = float(objective.slope()), float(best.costs[0])
    total = float(weights @ np.asarray(objective.costs(residuals)))
    ensemble = ensemble_status = left_out = None
    draws = _Draws(problem, best.vectors[0], given, noise)
    if options.bootstrap:
        strata = None if groups is None else groups.places
        drawn = _resampled(problem, runs, residuals, weights, options, strata)
        ensemble, ensemble_status = draws.refitted(*drawn)
    if options.jackknife:
        clusters = np.arange(num_runs) if options.cluster is None else runs.groups(options.cluster)
        kept = jackknife_weights(clusters, options.seed) * weights
        left_out, status = draws.refitted(kept, drawn=False)
        left_out = jax.tree.map(lambda leaf: leaf[status <= Status.FLAT_DIRECTION], left_out)
    by_start = minima.costs * slope
    basins = [each.describe(by_start[place], len(by_start)) for each in optima]
    return FitResult(
        law=law,
        ensemble=ensemble,
        ensemble_status=ensemble_status,
        status=Status(judged.status[0]),
        objective=total,
        objective_by_start=by_start,
        starts_agreeing=float(np.mean(minima.costs <= lowest * (1 + SAME_OBJECTIVE))),
        other_optima=optima,
        gradient_norm=float(best.gradient_norms[0]),
        fitted_range={k: (float(v.min()), float(v.max())) for k, v in inputs.items()},
        identifiability=told,
        num_runs=num_runs,
        num_left=0 if runs.left is None else len(runs.left),
        frozen=tuple(given),
        stages=stages,
        warnings=(*runs.weaknesses(law_type.input_names), *told.notes, *basins),
        restraints=restraints,
        jackknife=left_out,
        options=options,
    )


def _batch(vectors: np.ndarray, weights: np.ndarray, frozen: Mapping[str, Any]) -> Batch:
    """The batch of one table, whose runs weigh `(num_runs,)`."""
    rows = np.tile(pad_rows(weights, fill=0.0), (len(vectors), 1))
    return Batch(vectors, rows, frozen)


def _leaders(minima: Minima) -> np.ndarray:
    """Starts to go on with: none once the best has converged, else those that are near it."""
    near = minima.costs <= minima.costs.min() * (1 + 1e-3)
    return near & (not minima.converged[_best(minima)])


def _best(minima: Minima) -> int:
    """The lowest minimum; of those that differ by rounding only, the flattest."""
    same = minima.costs <= minima.costs.min() * (1 + 1e-12)
    return int(np.argmin(np.where(same, minima.gradient_norms, np.inf)))


def _minimise(
    problem: BatchedProblem, batch: Batch, num_runs: int
) -> tuple[BatchedProblem, Minima]:
    """Minimise all entries; where there are priors, with the spread of the residuals in turn."""
    objective = problem.objective
    if not problem.priors:
        return problem, minimise_batch(problem, batch, is_worth_it=_leaders)
    first = 1.0 if isinstance(objective, StudentT) else float(objective.slope()) ** 2
    problem = dataclasses.replace(problem, spread=first)
    minima = minimise_batch(problem, batch, is_worth_it=_leaders)
    best = batch.take(problem, np.array([0])).at(minima.vectors[[_best(minima)]])
    for _ in range(_MOST_ROUNDS):
        costs = np.asarray(objective.costs(residuals_of(problem, best)[0]))
        total = float(best.weights[0] @ costs)
        # Runs that are predicted exactly outweigh any prior.
        again = spread(objective, total, num_runs) if total > 0 else 0.0
        before, problem = problem.spread, dataclasses.replace(problem, spread=again)
        if abs(again - before) <= _SAME_SPREAD * before:
            break
        best = best.at(minimise_batch(problem, best).vectors)
    return problem, minimise_batch(problem, batch.at(minima.vectors), is_worth_it=_leaders)


def _check_units(problem: BatchedProblem, law: Any, centred: np.ndarray, num_runs: int) -> None:
    """The change of units must not change the predictions: else the law declares wrong ones."""
    back = {unit: 1 / scale for unit, scale in problem.scales.items()}
    plain = dataclasses.replace(problem, inputs=centre_inputs(problem.inputs, back))
    residuals = problem.objective.residuals(plain.predictions(law), problem.observed)
    if np.any(np.abs(np.asarray(residuals) - centred)[:num_runs] > 1e-6):
        raise TypeError(
            f"{type(law).__name__} declares units (unit_of=, power=) on its coefficients that its "
            "formula does not have: A / N**alpha wants A = positive(unit_of='num_params', "
            "power='alpha')"
        )


def _resampled(
    problem: BatchedProblem,
    runs: Runs,
    residuals: np.ndarray,
    weights: np.ndarray,
    options: FitOptions,
    strata: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Weights and shifts of the residuals of every replicate, `(num_draws, num_runs)`."""
    num_runs, draws = len(runs), {"num_draws": options.bootstrap, "seed": options.seed}
    clusters = None if options.cluster is None else runs.groups(options.cluster)
    if options.resample == "pairs":
        counts = (
            pairs_weights(num_runs, strata=strata, **draws)
            if clusters is None
            else cluster_weights(clusters, **draws)
        )
        return counts * weights, None
    enlarged = residuals * (num_runs / (num_runs - len(problem.parameters.free))) ** 0.5
    noise = noise_like(
        options.resample,
        enlarged,
        weights,
        objective=problem.objective,
        clusters=clusters,
        **draws,
    )
    return np.tile(weights, (options.bootstrap, 1)), noise - residuals


@dataclasses.dataclass(frozen=True, eq=False)
class _Draws:
    """Fits of other tables, from the end of the fit of the runs' own.

    Attributes:
        problem: the minimisation.
        start: the end of the fit, `(num_free,)`.
        given: what is frozen.
        noise: of the residuals.
    """

    problem: BatchedProblem
    start: np.ndarray
    given: Mapping[str, Any]
    noise: float

    def refitted(
        self, weights: np.ndarray, shifts: np.ndarray | None = None, *, drawn: bool = True
    ) -> tuple[Any, np.ndarray]:
        """The batched law of all tables, and the status of each.

        Args:
            weights: of each run, `(num_tables, num_runs)`.
            shifts: of its residual; None for none.
            drawn: whether frozen fits take part with their draws.
        """
        num = len(weights)
        frozen = draws_of(self.given, num) if drawn else None
        problem = dataclasses.replace(self.problem, paired=frozen is not None)
        batch = Batch(
            np.tile(self.start, (num, 1)),
            pad_rows(weights, fill=0.0),
            frozen or values_of(self.given),
            None if shifts is None else pad_rows(shifts, fill=0.0),
        )
        minima = refit(problem, batch)
        batch = batch.at(minima.vectors)
        status = judge(problem, batch, minima, self.noise).status
        return laws_of(problem, batch), status
