"""From runs to coefficients: `fit`."""

import dataclasses
from typing import Unpack

from fitting.data.runs import Runs
from fitting.estimation.freezing import sort_out
from fitting.estimation.options import FitChanges, FitOptions
from fitting.estimation.pipeline import FitTask, solve
from fitting.estimation.results import FitResult
from fitting.minimiser.limit_forms import LIMIT_IN_WORDS, limit_form
from fitting.minimiser.status import Status
from fitting.problem.coefficient_names import sub_laws
from fitting.problem.restraints import Restraints
from jaxlaws.foundations.errors import DataError, NotSolvedError
from jaxlaws.foundations.law import Law
from jaxlaws.precision import float64, is_traced

# Largest rise of the objective, relative and times the number of runs, of a limit form that fits as
# well as the law: the log-likelihood falls by less than this.
_ALIKE = 0.5


def fit(
    law_type: type[Law],
    runs: Runs,
    *,
    options: FitOptions = FitOptions(),
    **changes: Unpack[FitChanges],
) -> FitResult:
    """Fit a law to runs, from many starts, in float64.

    A law that contains another law (the distillation laws do) is fitted in two stages: first its
    sub-law, to the rows of the table that the sub-law describes, then the other coefficients,
    with the sub-law fixed. Coefficients of the sub-law are named `supervised.E`.

    Args:
        law_type: the class of the law.
        runs: the table; the fit uses the rows that have the law's inputs.
        options: how to fit; see `FitOptions`, which describes every option.
        changes: single options by name, which replace those of `options`: `bootstrap=1000`.

    Returns:
        The fit; its `law` and `ensemble` have NumPy float64 leaves.

    Raises:
        TypeError: `law_type` is not the class of a law, there is no option of such a name, an
            option has the wrong type or is traced by JAX, or there are priors and no likelihood
            goes with the objective.
        ValueError: an option is out of range, there is no coefficient of such a name, a
            coefficient is restrained twice, a column is missing or cannot be used, or there are
            too few runs for the coefficients.
        DataError: the table lacks what the law needs; see `Runs.for_law`.
        NotSolvedError: with `throw`, the status is not CONVERGED, ON_BOUND or FLAT_DIRECTION.

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
    options = options.replaced(**changes)
    if is_traced(vars(options)):
        raise TypeError(
            "an option of fit is traced by JAX: fits are computed outside of jit, grad and vmap. "
            "For a fit as a differentiable function of its losses, fit once and call "
            "fit_as_function(result, runs)."
        )
    result = solve(prepare(law_type, runs, options))
    if options.throw and result.status > Status.FLAT_DIRECTION:
        raise NotSolvedError(f"the fit ended with the status {result.status.name}", result)
    return result


def fit_limit_form(result: FitResult, runs: Runs) -> FitResult | None:
    """Fit the limit form of a fitted law, where the runs do not distinguish the two.

    The limit form of `DistillationLimit` is `DistillationExponential`: its gamma is infinite.

    Args:
        result: a fit.
        runs: its runs.

    Returns:
        A fit with the same options and a warning that names the limit. None if the runs
        distinguish the law from its limit form, the law has no limit form, coefficients of its
        own were restrained, or no bootstrap draw of the limit form converged.
    """
    called = runs.for_law(type(result.law))
    inputs = {name: called.inputs[name] for name in result.law.input_names}
    held = {*result.frozen, *result.restraints.describe()} - set(sub_laws(type(result.law)))
    with float64():
        limit = limit_form(result.law, inputs, called.loss, result.options.objective)
    if result.status is not Status.FLAT_DIRECTION or limit is None or held:
        return None
    found = fit(type(limit), runs, options=result.options)
    if found.objective > result.objective * (1 + _ALIKE / result.num_runs):
        return None
    if result.options.bootstrap and found.ensemble is None:
        return None
    note = f"{LIMIT_IN_WORDS}. This is the fit of the limit form"
    return dataclasses.replace(found, warnings=(note, *found.warnings))


def prepare(law_type: type[Law], runs: Runs, options: FitOptions) -> FitTask:
    """Check the law and its restraints, fit the sub-laws, and choose the runs of the law."""
    if not (isinstance(law_type, type) and dataclasses.is_dataclass(law_type)) or not (
        hasattr(law_type, "input_names") and hasattr(law_type, "loss")
    ):
        raise TypeError(
            "expected the class of a law, such as jaxlaws.laws.chinchilla.Chinchilla, with "
            f"input_names and loss, got {law_type!r}"
        )
    given, inner = sort_out(law_type, options.freeze)
    restraints, inner_restraints = Restraints.sort_out(
        law_type, given, options.tie, options.bounds, options.priors
    )
    first = {}
    for name, sub_type in sub_laws(law_type).items():
        if name not in given:
            own = {"throw": False, "freeze": inner[name], **inner_restraints[name]}
            first[name] = _first_stage(name, sub_type, runs, options.replaced(**own))
    stages = first | {name: value for name, value in given.items() if isinstance(value, FitResult)}
    return FitTask(
        law_type=law_type,
        runs=runs.for_law(law_type),
        frozen=given | first,
        stages=stages,
        restraints=restraints,
        options=options,
    )


def _first_stage(name: str, sub_type: type[Law], runs: Runs, options: FitOptions) -> FitResult:
    try:
        task = prepare(sub_type, runs, options)
    except DataError as error:
        raise DataError(
            f"the {name} law inside the law needs rows of its own, to be fitted first, or it must "
            f"be frozen: pass freeze={{{name!r}: a law}} (--freeze {name}=PRESET_OR_FILE). {error}"
        ) from None
    return solve(task)
