"""The steps of a fit: pose, search, judge, resample, assemble."""

import dataclasses
import functools
from collections.abc import Mapping

import jax
import numpy as np

from fitting.data.observations import Observations, refuse_outcomes
from fitting.data.runs import Runs
from fitting.estimation.freezing import values_of
from fitting.estimation.multi_start_search import FEW, Search, lowest_minimum
from fitting.estimation.options import FitOptions, Frozen
from fitting.estimation.replicates import Replicates
from fitting.estimation.resampling import jackknife_weights, resampled_tables
from fitting.estimation.results import FitResult
from fitting.minimiser.baselines import better_baseline
from fitting.minimiser.draw_checks import check_draws
from fitting.minimiser.identifiability import (
    Identifiability,
    judge,
    noise_of,
    typical_outcome,
)
from fitting.minimiser.limit_forms import LIMIT_IN_WORDS, limit_form
from fitting.minimiser.local_optima import Optimum, other_optima
from fitting.minimiser.multi_start import laws_of, residuals_of
from fitting.minimiser.starts import spread_points
from fitting.minimiser.status import Status
from fitting.problem.batched_problem import Batch, BatchedProblem, pad_rows
from fitting.problem.law_checks import beyond_float32, check_law
from fitting.problem.parameters import Parameters
from fitting.problem.restraints import Restraints
from jaxlaws.foundations.law import Law
from jaxlaws.foundations.provenance import fingerprint
from jaxlaws.precision import float64


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Groups:
    """Groups of runs, and the coefficients that each group has a value of its own for.

    Attributes:
        labels: names of the groups.
        places: index of each run's group in `labels`, `(num_runs,)`.
        own: names of these coefficients; in the fitted law they are arrays over the groups.
    """

    labels: tuple[str, ...]
    places: np.ndarray
    own: tuple[str, ...]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class FitTask:
    """All that determines a fit, after the checks.

    Attributes:
        law_type: the class of the law.
        runs: the runs that the law is fitted to.
        frozen: numbers, laws and fits that do not move, by name.
        stages: the fits among them.
        restraints: ties, bounds and priors of the law's own coefficients.
        options: the options of the fit.
        groups: the groups of runs, where some coefficients differ between groups, or None.
    """

    law_type: type[Law]
    runs: Runs
    frozen: Mapping[str, Frozen]
    stages: Mapping[str, FitResult]
    restraints: Restraints
    options: FitOptions
    groups: Groups | None = None

    @functools.cached_property
    def rows(self) -> Observations:
        """The rows of the fit: one for each run, or for each outcome of each run."""
        return Observations.of(self.runs, self.law_type, self.options.weights)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Judged:
    """The fitted law and how well the runs determine it; fields as in `FitResult`.

    Attributes:
        residuals: residual of each row, `(num_rows,)`.
        noise: their robust standard deviation.
        at_edge: names of the coefficients at an edge of their domain or on a bound.
        notes: reasons to doubt that this is the lowest minimum, or that the law describes the runs.
    """

    law: Law
    residuals: np.ndarray
    noise: float
    status: Status
    identifiability: Identifiability
    other_optima: tuple[Optimum, ...]
    at_edge: frozenset[str]
    notes: tuple[str, ...]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Resampled:
    """Fits of resampled tables; fields as in `FitResult`.

    Attributes:
        status: what the draws show about the coefficients; CONVERGED without draws.
        notes: the same in words.
    """

    ensemble: Law | None = None
    ensemble_status: np.ndarray | None = None
    jackknife: Law | None = None
    status: Status = Status.CONVERGED
    notes: tuple[str, ...] = ()


def solve(task: FitTask) -> FitResult:
    """Fit a law, in float64.

    Raises:
        ValueError: no coefficient is free, there are too few runs, or a column cannot be used.
        TypeError: the law declares units that its formula does not have.
    """
    with float64():
        problem, starts = pose(task)
        num_rows = len(task.rows.loss)
        search = lowest_minimum(problem, starts, num_rows, task.options.seed)
        judged = judge_best(task, search)
        resampled = resample(task, search, judged)
        return assemble(task, search, judged, resampled)


def pose(task: FitTask) -> tuple[BatchedProblem, Batch]:
    """The minimisation problem in centred units, and its starts."""
    name, rows, groups = task.law_type.__name__, task.rows, task.groups
    frozen = values_of(task.frozen)
    own = () if groups is None else (groups.own, groups.labels)
    parameters = Parameters.of(task.law_type, frozen, task.restraints, *own)
    num_free = len(parameters.free)
    if not num_free:
        raise ValueError(f"every coefficient of {name} is frozen: nothing to fit")
    if len(rows.loss) <= num_free:
        what = "run" if rows.num_outcomes == 1 else "outcome"
        raise ValueError(
            f"{len(rows.loss)} {what}{' is' if len(rows.loss) == 1 else 's are'} too few for "
            f"the {num_free} coefficients of {name} ({', '.join(parameters.names)}): add runs or "
            "freeze some"
        )
    objective = task.options.objective
    refuse_outcomes(task.runs, objective.residuals, type(objective).__name__)
    problem = BatchedProblem.pose(
        parameters,
        objective,
        rows.inputs,
        rows.loss,
        frozen,
        groups=None if groups is None else np.repeat(groups.places, rows.num_outcomes),
        priors=task.restraints.priors,
    )
    check_law(task.law_type, rows.inputs, problem.scales)
    options = task.options
    vectors = spread_points(options.starts, options.num_starts, num_free, options.seed)
    weights = np.tile(pad_rows(rows.weights, fill=0.0), (len(vectors), 1))
    return problem, Batch(vectors, weights, frozen)


def judge_best(task: FitTask, search: Search) -> Judged:
    """The law at the lowest minimum, its status, and the other optima."""
    problem, minima, entry = search.problem, search.minima, search.entry
    rows, num_free = task.rows, len(problem.parameters.free)
    residuals = residuals_of(problem, entry)[0][: len(rows.loss)]
    law = jax.tree.map(lambda leaf: leaf[0], laws_of(problem, entry))
    noise = noise_of(residuals, typical_outcome(problem.objective, rows.loss))
    judgement = judge(problem, entry, minima.take([search.best]), noise)
    status, notes = Status(judgement.status[0]), []
    total = float(rows.weights @ np.asarray(problem.objective.costs(residuals)))
    better = better_baseline(
        problem.objective, rows.inputs, rows.loss, rows.weights, total, num_free
    )
    if better is not None:
        status = max(status, Status.NOT_CONVERGED)
        notes.append(
            f"{better} predicts the runs better than the law: do not use the fit. Check the "
            "columns and the formula, or use more starts"
        )
    if status is Status.FLAT_DIRECTION and (
        limit_form(law, rows.inputs, rows.loss, problem.objective) is not None
    ):
        notes.append(
            f"{LIMIT_IN_WORDS}. The limit form is a law of its own, with one coefficient "
            "less: fit_limit_form, or --law distillation_exponential"
        )
    if search.starts_agreeing < FEW:
        share = f"{search.starts_agreeing * len(minima.costs):.0f} of {len(minima.costs)} starts"
        notes.append(
            f"only {share} ended at the lowest minimum, so a lower one may exist: use more starts "
            "(num_starts, --starts), freeze coefficients, or give them bounds or units"
        )
    return Judged(
        law=law,
        residuals=residuals,
        noise=noise,
        status=status,
        identifiability=judgement.describe(),
        other_optima=other_optima(problem, search.batch, minima, search.best, noise),
        at_edge=frozenset(
            name
            for name, side in zip(problem.parameters.names, judgement.at_edge[0], strict=True)
            if side
        ),
        notes=tuple(notes),
    )


def resample(task: FitTask, search: Search, judged: Judged) -> Resampled:
    """Fit the tables of the bootstrap and of the jackknife, as far as the options request them."""
    options, runs, groups = task.options, task.runs, task.groups
    clusters = None if options.cluster is None else runs.groups(options.cluster)
    replicates = Replicates(
        problem=search.problem,
        start=search.minima.vectors[search.best],
        frozen=task.frozen,
        noise=judged.noise,
    )
    resampled = Resampled()
    if options.bootstrap:
        tables = resampled_tables(
            options.resample,
            judged.residuals,
            task.rows.weights,
            num_outcomes=task.rows.num_outcomes,
            num_free=len(search.problem.parameters.free),
            objective=search.problem.objective,
            num_draws=options.bootstrap,
            seed=options.seed,
            clusters=clusters,
            strata=None if groups is None else groups.places,
        )
        ensemble, judgement, vectors = replicates.fit(*tables)
        status, notes = check_draws(judgement, vectors, judged.at_edge)
        resampled = Resampled(status=status, notes=notes)
        if np.any(judgement.status <= Status.FLAT_DIRECTION):
            resampled = dataclasses.replace(
                resampled, ensemble=ensemble, ensemble_status=judgement.status
            )
    if options.jackknife:
        parts = np.arange(len(runs)) if clusters is None else clusters
        parts = np.repeat(parts, task.rows.num_outcomes)
        kept = jackknife_weights(parts, options.seed) * task.rows.weights
        laws, judgement, _ = replicates.fit(kept, paired=False)
        usable = judgement.status <= Status.FLAT_DIRECTION
        laws = jax.tree.map(lambda leaf: leaf[usable], laws)
        resampled = dataclasses.replace(resampled, jackknife=laws)
    return resampled


def assemble(task: FitTask, search: Search, judged: Judged, resampled: Resampled) -> FitResult:
    """The result of the steps before."""
    objective, minima, runs = search.problem.objective, search.minima, task.runs
    by_start = minima.costs * float(objective.slope())
    optima = [
        optimum.describe(by_start[search.best], len(by_start)) for optimum in judged.other_optima
    ]
    return FitResult(
        law=judged.law,
        ensemble=resampled.ensemble,
        ensemble_status=resampled.ensemble_status,
        status=max(judged.status, resampled.status),
        objective=float(task.rows.weights @ np.asarray(objective.costs(judged.residuals))),
        objective_by_start=by_start,
        starts_agreeing=search.starts_agreeing,
        other_optima=judged.other_optima,
        gradient_norm=float(minima.gradient_norms[search.best]),
        fitted_range={k: (float(v.min()), float(v.max())) for k, v in task.rows.inputs.items()},
        identifiability=judged.identifiability,
        num_runs=len(runs),
        num_left=0 if runs.left is None else len(runs.left),
        frozen=tuple(task.frozen),
        stages=task.stages,
        warnings=(
            *runs.weaknesses(task.law_type.input_names),
            *judged.identifiability.notes,
            *judged.notes,
            *beyond_float32(judged.law),
            *resampled.notes,
            *optima,
        ),
        restraints=task.restraints,
        jackknife=resampled.jackknife,
        options=dataclasses.replace(task.options, objective=objective),
        provenance=fingerprint(
            [*(runs.inputs[name] for name in task.law_type.input_names), runs.loss], runs.rows
        ),
    )
