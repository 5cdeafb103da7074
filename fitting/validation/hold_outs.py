"""How well a law predicts runs that its fit did not see, beside predictors that know less.

A hold-out is a boolean mask over runs, whatever rule made it: an expression over columns,
`lowest_losses`, `best_teachers`. `cross_validation` holds out one part after another.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fitting.data.predictions import predict, relative_errors
from fitting.data.row_filter import matching
from fitting.data.runs import Runs
from fitting.estimation.results import FitResult
from fitting.estimation.single_fit import fit
from fitting.problem.coefficient_names import sub_laws

# Losses of the unseen runs from the fit, the runs that it saw, and the unseen runs.
Predictor = Callable[[FitResult, Runs, Runs], Any]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class HoldOut:
    """A fit to some runs, and the errors on the others.

    Attributes:
        name: what was held out, in words.
        fit: the fit to the runs that were not.
        unseen: the runs that were.
        errors: for each predictor, the law first, its predictions above the measured losses in
            per cent, `(num_unseen,)`; NaN where it gave none.
    """

    name: str
    fit: FitResult
    unseen: Runs
    errors: Mapping[str, np.ndarray]

    def summary(self) -> dict[str, Any]:
        """The hold-out as a JSON object: mean, median and worst absolute error of each."""
        return {
            "name": self.name,
            "num_fitted": self.fit.num_runs,
            "num_unseen": len(self.unseen),
            "status": self.fit.status.name,
            "errors": {name: sizes_of(errors) for name, errors in self.errors.items()},
        }


def sizes_of(errors: np.ndarray) -> dict[str, float]:
    """Mean, median and worst of absolute errors.

    >>> sizes_of(np.array([-3.0, 1.0, 0.5]))
    {'mean': 1.5, 'median': 1.0, 'worst': 3.0}
    """
    size = np.abs(errors)
    measures = {"mean": np.mean, "median": np.median, "worst": np.max}
    return {name: float(measure(size)) for name, measure in measures.items()}


def constant(_: FitResult, seen: Runs, unseen: Runs) -> np.ndarray:
    """The mean loss of the runs that the fit saw: what any law must beat."""
    return np.full(len(unseen), seen.loss.mean())


def untaught(result: FitResult, _: Runs, unseen: Runs) -> np.ndarray:
    """The supervised law at the student's own size and tokens, as if it had no teacher."""
    names = {"num_params": "num_student_params", "num_tokens": "num_student_tokens"}
    inputs = {name: unseen.inputs[theirs] for name, theirs in names.items()}
    return predict(result.law.supervised, inputs)


def baselines(law_type: type[Any]) -> dict[str, Predictor]:
    """The baselines that make sense for a law, by name."""
    found: dict[str, Predictor] = {"constant loss": constant}
    if "supervised" in sub_laws(law_type) and "num_student_params" in law_type.input_names:
        found["supervised law alone"] = untaught
    return found


def hold_out(
    law_type: type[Any],
    runs: Runs,
    mask: Any,
    *,
    name: str = "",
    against: Mapping[str, Predictor] | None = None,
    **options: Any,
) -> HoldOut:
    """Fit a law to the runs outside a mask and predict those inside.

    Args:
        law_type: the class of the law.
        runs: the table; of the masked runs those are predicted that the law's inputs call for.
        mask: boolean `(num_runs,)`, true for the runs to hold out; or an expression over columns
            such as `"loss < 2.3"`, see `expressions.matching`.
        name: what is held out, in words; the expression where there is one.
        against: other predictors by name; None: the `baselines` of the law.
        options: of `fit`, such as `freeze`, `objective` and `seed`. A sub-law that is not frozen
            is fitted to runs outside the mask as well.

    Raises:
        ValueError: the mask is no boolean array of the runs' length, holds nothing out or leaves
            nothing, or the expression cannot be read; further as `fit`.
        DataError: as `fit`.

    >>> from jaxlaws import presets
    >>> from jaxlaws.laws.chinchilla import Chinchilla
    >>> size, tokens = (grid.ravel() for grid in np.meshgrid([1e8, 4e8, 2e9], [2e9, 2e10, 1e11]))
    >>> loss = predict(presets.load("hoffmann2022"), {"num_params": size, "num_tokens": tokens})
    >>> runs = Runs.read({"num_params": size, "num_tokens": tokens, "loss": loss})
    >>> held = hold_out(Chinchilla, runs, lowest_losses(runs, 0.2), freeze={"E": 1.69})
    >>> {name: round(each["mean"], 1) for name, each in held.summary()["errors"].items()}
    {'law': 0.0, 'constant loss': 23.0}
    """
    rule = "the mask"
    if isinstance(mask, str):
        runs, name, rule = runs.whole(), name or mask, repr(mask)
        mask = matching(runs, mask)
    chosen = np.asarray(mask)
    unseen = runs.where(chosen)
    if not chosen.any() or chosen.all():
        raise ValueError(f"{rule} holds out {len(unseen)} of {len(runs)} runs: some must be left")
    unseen, seen = unseen.for_law(law_type), runs.where(~chosen)
    result = fit(law_type, seen, **options)
    seen = seen.for_law(law_type)
    predicted = {"law": predict(result.law, unseen.inputs)}
    for baseline, predictor in (baselines(law_type) if against is None else against).items():
        predicted[baseline] = np.asarray(predictor(result, seen, unseen))
    errors = {key: relative_errors(losses, unseen) for key, losses in predicted.items()}
    return HoldOut(name=name, fit=result, unseen=unseen, errors=errors)


def lowest_losses(runs: Runs, share: float = 0.25) -> np.ndarray:
    """A mask of the given share of runs with the lowest losses, at least one.

    >>> runs = Runs.read({"num_params": [1e6, 1e7, 1e8, 4e8], "loss": [4.0, 3.0, 2.2, 2.5]})
    >>> lowest_losses(runs, 0.5).tolist()
    [False, False, True, True]

    Raises:
        ValueError: the share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"expected a share between 0 and 1, got {share!r}")
    mask = np.zeros(len(runs), dtype=bool)
    mask[np.argsort(runs.loss, kind="stable")[: max(1, round(share * len(runs)))]] = True
    return mask


def best_teachers(runs: Runs, num_teachers: int = 2) -> np.ndarray:
    """A mask of the distilled runs that had the best teachers: the lowest losses of teachers.

    >>> students = {"num_student_params": [1e6, 1e7, 1e8], "num_student_tokens": [1e8, 1e9, 5e8]}
    >>> taught = Runs.read(students | {"teacher_loss": [2.5, 2.0, 3.0], "loss": [3.6, 2.8, 3.2]})
    >>> best_teachers(taught, 1).tolist()
    [False, True, False]

    Raises:
        ValueError: there are no more teachers than that, so that no run would be left.
    """
    losses = np.unique(runs.inputs["teacher_loss"])
    losses = losses[np.isfinite(losses)]
    if not 0 < num_teachers < len(losses):
        raise ValueError(f"expected 1 to {len(losses) - 1} of {len(losses)} teachers")
    return runs.inputs["teacher_loss"] <= losses[num_teachers - 1]
