"""The error on a task: a law predicts the loss, and a fitted curve turns loss into error."""

import dataclasses
import functools
import typing
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from fitting.estimation.error_curves import ErrorCurve, ExponentialError
from fitting.estimation.options import Starts, check_choice, check_integer
from fitting.estimation.resampling import pairs_weights
from fitting.estimation.results import FitResult
from fitting.minimiser.identifiability import judge, noise_of
from fitting.minimiser.multi_start import minimise_batch, residuals_of, search_batch
from fitting.minimiser.refitting import refit
from fitting.minimiser.starts import spread_points
from fitting.minimiser.status import Status
from fitting.problem.batched_problem import Batch, Fixed, pad_rows
from fitting.problem.objectives import Objective, Squares
from fitting.problem.parameters import Parameters, coefficients
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.law import Law
from jaxlaws.foundations.law import coefficients as by_name
from jaxlaws.foundations.quantities import plain_number
from jaxlaws.foundations.text.cards import Card, Displayed
from jaxlaws.foundations.text.tables import Table
from jaxlaws.precision import float64, to_float64
from jaxlaws.pytree import declarations
from jaxlaws.trees import register_dataclass

_SEARCH_STEPS = 20


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ErrorFit(Displayed):
    """A fitted curve from loss to error.

    Attributes:
        metric: the curve, such as an `ExponentialError`, NumPy float64.
        ensemble: bootstrap draws that converged, a batched curve, or None.
        status: how the fit ended.
        objective: the least value of the objective, a sum over models.
        starts_agreeing: share of the starts that ended within a relative 1e-4 of the best one.
        fitted_range: least and greatest loss among the models.
        notes: what the models do not determine, in words.
    """

    metric: Tree
    ensemble: Tree | None
    status: Status
    objective: float
    starts_agreeing: float
    fitted_range: tuple[float, float]
    notes: tuple[str, ...]

    def _card(self) -> Card:
        values = by_name(self.metric)
        rows = [[name, plain_number(float(value), 5)] for name, value in values.items()]
        heads = ["coefficient", "value"]
        if self.ensemble is not None:
            heads += ["low (90%)", "high"]
            for row, drawn in zip(rows, by_name(self.ensemble).values(), strict=True):
                row += [plain_number(float(end), 5) for end in np.quantile(drawn, [0.05, 0.95])]
        low, high = (f"{end:.4f}" for end in self.fitted_range)
        notes = [f"{self.starts_agreeing:.0%} of the starts agree.", *self.notes]
        title = (
            f"Fit of {type(self.metric).__name__} from loss to error, for losses of {low} to "
            f"{high}: {self.status.name}"
        )
        return Card(title, Table(heads, rows), notes)


def fit_error(
    loss: Array,
    error: Array,
    *,
    metric_type: type[ErrorCurve] = ExponentialError,
    objective: Objective = Squares(),
    num_starts: int = 64,
    starts: Starts = "random",
    bootstrap: int = 0,
    freeze: Mapping[str, float] | None = None,
    seed: int = 0,
) -> ErrorFit:
    """Fit a curve from loss to error, from many starts, in float64.

    Args:
        loss: loss of each model, `(num_models,)`.
        error: error of each model, between 0 and 1, `(num_models,)`.
        metric_type: the class of the curve: `ExponentialError` or `SigmoidError`.
        objective: the objective, a function of predicted and observed errors.
        num_starts: number of starts.
        starts: how they are spread, as in `FitOptions`.
        bootstrap: number of bootstrap draws; each fits the curve to models drawn with replacement.
        freeze: coefficients that keep a given value, such as the error of guessing,
            `{"eps": 0.75}`.
        seed: seed of the starts and of the bootstrap.

    Raises:
        ValueError: loss and error are not finite or differ in length, there are too few models, a
            name in `freeze` is unknown, or an option is out of range.

    >>> loss = np.linspace(2.0, 3.5, 12)
    >>> fitted = fit_error(loss, 0.8 - 3.0 * np.exp(-1.2 * loss))
    >>> fitted.status.name, round(float(fitted.metric.k), 6)
    ('CONVERGED', 3.0)
    """
    check_integer("num_starts", num_starts, least=1)
    check_integer("bootstrap", bootstrap, least=0)
    check_choice("starts", starts, typing.get_args(Starts))
    losses, errors = (np.asarray(each, dtype=np.float64) for each in (loss, error))
    if losses.ndim != 1 or losses.shape != errors.shape or not np.isfinite([losses, errors]).all():
        raise ValueError(
            f"expected finite losses and errors of equal length, got shapes {losses.shape} and "
            f"{errors.shape}"
        )
    held = dict(freeze or {})
    unknown = set(held) - set(declarations(metric_type))
    if unknown:
        raise ValueError(f"{metric_type.__name__} has no coefficient {', '.join(sorted(unknown))}")
    parameters = Parameters.of(metric_type, held)
    if not 0 < len(parameters.free) < len(losses):
        raise ValueError(
            f"{len(losses)} models for the {len(parameters.free)} free coefficients of "
            f"{metric_type.__name__}"
        )
    points = spread_points(starts, num_starts, len(parameters.free), seed)
    with float64():
        return _fit(parameters, objective, losses, errors, points, bootstrap, held, seed)


def predict_error(
    result: FitResult, fitted: ErrorFit, *, level: float = 0.9, **inputs: Array
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predict the error on a task by a fitted law and a fitted curve, with its central interval.

    The interval combines the draws of both fits, paired in order, because the runs of the law and
    the models of the curve are independent. It is the interval of the curve: the scatter of single
    models about the curve is not included.

    Args:
        result: the fit of a law, with a bootstrap.
        fitted: the fit of the curve, with a bootstrap, to losses on the test set of the law.
        level: share of the draws between the ends.
        inputs: inputs of the law, of any shape; they broadcast together.

    Returns:
        The error, and the lower and the upper end, each of the inputs' shape.

    Raises:
        ValueError: one of the fits has no bootstrap, or the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"expected a level between 0 and 1, got {level!r}")
    if fitted.ensemble is None:
        raise ValueError("the fit of the error has no bootstrap: fit_error(..., bootstrap=1000)")
    laws = result.usable_ensemble()
    count = min(len(jax.tree.leaves(each)[0]) for each in (laws, fitted.ensemble))
    pairs = jax.tree.map(lambda leaf: leaf[:count], (laws, fitted.ensemble))
    with float64():
        given = {name: jnp.asarray(value, jnp.float64) for name, value in inputs.items()}
        value = _chained((result.law, fitted.metric), given)
        drawn = jax.vmap(_chained, in_axes=(0, None))(pairs, given)
        low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return np.asarray(value), low, high


def _chained(pair: tuple[Law, ErrorCurve], inputs: dict[str, Array]) -> jax.Array:
    law, metric = pair
    return metric.error(loss=law.loss(**inputs))


@functools.partial(
    register_dataclass,
    data_fields=["objective", "loss", "observed"],
    meta_fields=["parameters"],
)
@dataclasses.dataclass(frozen=True, eq=False)
class _Problem:
    """A curve as the minimiser sees it, in place of a law's `BatchedProblem`."""

    parameters: Parameters
    objective: Objective
    loss: Array
    observed: Array
    paired = False
    has_deviations = False
    basis = None

    def residuals(self, vector: jax.Array, fixed: Fixed) -> jax.Array:
        metric = self.parameters.law(vector, fixed.coefficients, {})
        return self.objective.residuals(metric.error(loss=self.loss), self.observed)

    def cost(self, vector: jax.Array, weights: jax.Array, fixed: Fixed) -> jax.Array:
        costs = self.objective.costs(self.residuals(vector, fixed))
        return jnp.sum(weights * costs) / self.objective.slope()


def _fit(
    parameters: Parameters,
    objective: Objective,
    losses: np.ndarray,
    errors: np.ndarray,
    starts: np.ndarray,
    bootstrap: int,
    held: dict[str, float],
    seed: int,
) -> ErrorFit:
    unit = float(objective.slope())
    # For losses less their mean, amplitude and rate are hardly correlated.
    is_free = set(parameters.law_type.shifting) <= set(parameters.names)
    centre = float(losses.mean()) if is_free else 0.0
    problem: Tree = _Problem(parameters, objective, pad_rows(losses - centre), pad_rows(errors))
    weights = pad_rows(np.ones(len(losses)), fill=0.0)
    batch = Batch(starts, np.tile(weights, (len(starts), 1)), held)
    batch = batch.at(search_batch(problem, batch, _SEARCH_STEPS)[0])
    minima = minimise_batch(problem, batch)
    best = minima.take([int(np.argmin(minima.costs))])
    at_best = batch.take(problem, np.array([0])).at(best.vectors)
    noise = noise_of(residuals_of(problem, at_best)[0][: len(losses)])
    judged = judge(problem, at_best, best, noise)
    ensemble = None
    if bootstrap:
        counts = pad_rows(pairs_weights(len(losses), bootstrap, seed), fill=0.0)
        resampled = Batch(np.tile(best.vectors, (bootstrap, 1)), counts, held)
        drawn = refit(problem, resampled)
        usable = judge(problem, resampled, drawn, noise).status <= Status.FLAT_DIRECTION
        ensemble = _metric(parameters, drawn.vectors[usable], held, centre)
    lowest = float(best.costs[0])
    return ErrorFit(
        metric=jax.tree.map(lambda leaf: leaf[0], _metric(parameters, best.vectors, held, centre)),
        ensemble=ensemble,
        status=Status(judged.status[0]),
        objective=lowest * unit,
        starts_agreeing=float(np.mean(minima.costs <= lowest * (1 + 1e-4) + 1e-12)),
        fitted_range=(float(losses.min()), float(losses.max())),
        notes=judged.describe().notes,
    )


def _metric(
    parameters: Parameters, vectors: np.ndarray, held: dict[str, float], centre: float
) -> Tree:
    """The batched curve of vectors `(num_draws, num_free)`, as a function of the given losses."""
    free = np.asarray(coefficients(parameters, vectors))
    moved = {name: free[:, i] for i, name in enumerate(parameters.names)}
    frozen = {name: np.full(len(free), value) for name, value in held.items()}
    return to_float64(parameters.law_type(**moved, **frozen).shifted(-centre))
