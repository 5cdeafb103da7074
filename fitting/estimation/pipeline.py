"""The steps of a fit: pose, search, judge, resample, assemble."""

import dataclasses
from collections.abc import Mapping

import jax
import numpy as np

from fitting.data.runs import Runs
from fitting.estimation.freezing import values_of
from fitting.estimation.multi_start_search import Search, lowest_minimum
from fitting.estimation.options import FitOptions, Frozen
from fitting.estimation.replicates import Replicates
from fitting.estimation.resampling import jackknife_weights, resampled_tables
from fitting.estimation.results import FitResult
from fitting.minimiser.identifiability import Identifiability, judge, noise_of
from fitting.minimiser.local_optima import SAME_OBJECTIVE, Optimum, other_optima
from fitting.minimiser.multi_start import laws_of, residuals_of
from fitting.minimiser.starts import starting_vectors
from fitting.minimiser.status import Status
from fitting.problem.batched_problem import Batch, BatchedProblem, pad_rows
from fitting.problem.centring import centre_inputs
from fitting.problem.parameters import Parameters
from fitting.problem.restraints import Restraints
from jaxlaws.foundations.law import Law
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

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """The inputs of the law, `(num_runs,)` each."""
        return {name: self.runs.inputs[name] for name in self.law_type.input_names}


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Judged:
    """The fitted law and how well the runs determine it; fields as in `FitResult`.

    Attributes:
        residuals: residual of each run, `(num_runs,)`.
        noise: their robust standard deviation.
    """

    law: Law
    residuals: np.ndarray
    noise: float
    status: Status
    identifiability: Identifiability
    other_optima: tuple[Optimum, ...]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Resampled:
    """Fits of resampled tables; fields as in `FitResult`."""

    ensemble: Law | None = None
    ensemble_status: np.ndarray | None = None
    jackknife: Law | None = None


def solve(task: FitTask) -> FitResult:
    """Fit a law, in float64.

    Raises:
        ValueError: no coefficient is free, there are too few runs, or a column cannot be used.
        TypeError: the law declares units that its formula does not have.
    """
    with float64():
        weights = task.runs.weights(task.options.weights)
        problem, starts = pose(task, weights)
        search = lowest_minimum(problem, starts, len(task.runs))
        judged = judge_best(search, len(task.runs))
        resampled = resample(task, weights, search, judged)
        return assemble(task, weights, search, judged, resampled)


def pose(task: FitTask, weights: np.ndarray) -> tuple[BatchedProblem, Batch]:
    """The minimisation problem in centred units, and its starts."""
    name, num_runs, groups = task.law_type.__name__, len(task.runs), task.groups
    frozen = values_of(task.frozen)
    own = () if groups is None else (groups.own, groups.labels)
    parameters = Parameters.of(task.law_type, frozen, task.restraints, *own)
    num_free = len(parameters.free)
    if not num_free:
        raise ValueError(f"every coefficient of {name} is frozen: nothing to fit")
    if num_runs <= num_free:
        raise ValueError(
            f"{num_runs} runs are too few for the {num_free} coefficients of "
            f"{name} ({', '.join(parameters.names)}): add runs or freeze some"
        )
    problem = BatchedProblem.pose(
        parameters,
        task.options.objective,
        task.inputs,
        task.runs.loss,
        frozen,
        groups=None if groups is None else groups.places,
        priors=task.restraints.priors,
    )
    options = task.options
    vectors = starting_vectors(
        parameters, problem.scales, options.starts, options.num_starts, options.seed
    )
    rows = np.tile(pad_rows(weights, fill=0.0), (len(vectors), 1))
    return problem, Batch(vectors, rows, frozen)


def judge_best(search: Search, num_runs: int) -> Judged:
    """The law at the lowest minimum, its status, and the other optima."""
    problem, minima, entry = search.problem, search.minima, search.entry
    residuals = residuals_of(problem, entry)[0]
    law = jax.tree.map(lambda leaf: leaf[0], laws_of(problem, entry))
    _check_units(problem, law, residuals, num_runs)
    noise = noise_of(residuals[:num_runs])
    judgement = judge(problem, entry, minima.take([search.best]), noise)
    return Judged(
        law=law,
        residuals=residuals[:num_runs],
        noise=noise,
        status=Status(judgement.status[0]),
        identifiability=judgement.describe(),
        other_optima=other_optima(problem, search.batch, minima, search.best, noise),
    )


def resample(task: FitTask, weights: np.ndarray, search: Search, judged: Judged) -> Resampled:
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
            weights,
            num_free=len(search.problem.parameters.free),
            objective=search.problem.objective,
            num_draws=options.bootstrap,
            seed=options.seed,
            clusters=clusters,
            strata=None if groups is None else groups.places,
        )
        ensemble, status = replicates.fit(*tables)
        resampled = dataclasses.replace(resampled, ensemble=ensemble, ensemble_status=status)
    if options.jackknife:
        parts = np.arange(len(runs)) if clusters is None else clusters
        kept = jackknife_weights(parts, options.seed) * weights
        laws, status = replicates.fit(kept, paired=False)
        laws = jax.tree.map(lambda leaf: leaf[status <= Status.FLAT_DIRECTION], laws)
        resampled = dataclasses.replace(resampled, jackknife=laws)
    return resampled


def assemble(
    task: FitTask, weights: np.ndarray, search: Search, judged: Judged, resampled: Resampled
) -> FitResult:
    """The result of the steps before."""
    objective, minima, runs = search.problem.objective, search.minima, task.runs
    by_start = minima.costs * float(objective.slope())
    lowest = float(minima.costs[search.best])
    optima = [
        optimum.describe(by_start[search.best], len(by_start)) for optimum in judged.other_optima
    ]
    return FitResult(
        law=judged.law,
        ensemble=resampled.ensemble,
        ensemble_status=resampled.ensemble_status,
        status=judged.status,
        objective=float(weights @ np.asarray(objective.costs(judged.residuals))),
        objective_by_start=by_start,
        starts_agreeing=float(np.mean(minima.costs <= lowest * (1 + SAME_OBJECTIVE))),
        other_optima=judged.other_optima,
        gradient_norm=float(minima.gradient_norms[search.best]),
        fitted_range={k: (float(v.min()), float(v.max())) for k, v in task.inputs.items()},
        identifiability=judged.identifiability,
        num_runs=len(runs),
        num_left=0 if runs.left is None else len(runs.left),
        frozen=tuple(task.frozen),
        stages=task.stages,
        warnings=(
            *runs.weaknesses(task.law_type.input_names),
            *judged.identifiability.notes,
            *optima,
        ),
        restraints=task.restraints,
        jackknife=resampled.jackknife,
        options=dataclasses.replace(task.options, objective=objective),
    )


def _check_units(problem: BatchedProblem, law: Law, centred: np.ndarray, num_runs: int) -> None:
    """Check that the change of units leaves the predictions as they are."""
    back = {unit: 1 / scale for unit, scale in problem.scales.items()}
    plain = dataclasses.replace(problem, inputs=centre_inputs(problem.inputs, back))
    residuals = problem.objective.residuals(plain.predictions(law), problem.observed)
    if np.any(np.abs(np.asarray(residuals) - centred)[:num_runs] > 1e-6):
        raise TypeError(
            f"{type(law).__name__} declares units (unit_of=, power=) on its coefficients that its "
            "formula does not have: A / N**alpha needs A = positive(unit_of='num_params', "
            "power='alpha')"
        )
