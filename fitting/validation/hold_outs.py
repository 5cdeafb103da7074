"""Hold-outs: the errors of a law on runs that its fit did not see, and the errors of baselines.

A boolean mask says which runs are held out. It comes from an expression over columns, from
`lowest_losses`, from `best_teachers`, or from the user. `cross_validation` holds out one part of
the runs after another.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Unpack

import numpy as np

from fitting.data.predictions import predict, relative_errors
from fitting.data.row_filter import matching
from fitting.data.runs import Runs
from fitting.estimation.options import FitChanges, FitOptions
from fitting.estimation.results import FitResult
from fitting.estimation.single_fit import fit
from fitting.problem.coefficient_names import sub_laws
from jaxlaws.foundations.annotations import Array, Json
from jaxlaws.foundations.law import Law
from jaxlaws.foundations.text.cards import Card, Displayed
from jaxlaws.foundations.text.tables import Table

# Predicts the losses of unseen runs from the fit, the runs of the fit, and the unseen runs.
Predictor = Callable[[FitResult, Runs, Runs], Array]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class HoldOut(Displayed):
    """A fit to some runs, and the errors of its predictions for the other runs.

    Attributes:
        name: what was held out, in words.
        fit: the fit to the other runs.
        unseen: the runs that were held out.
        errors: for each predictor, the law first: predicted minus measured loss, in per cent of
            the measured loss, `(num_unseen,)`, or `(num_unseen, num_outcomes)` for a law of several
            outcomes; NaN where there is no prediction.
    """

    name: str
    fit: FitResult
    unseen: Runs
    errors: Mapping[str, np.ndarray]

    def summary(self) -> dict[str, Json]:
        """The hold-out as a JSON object, with the `error_summary` of each predictor."""
        return {
            "name": self.name,
            "num_fitted": self.fit.num_runs,
            "num_unseen": len(self.unseen),
            "status": self.fit.status.name,
            "errors": {name: error_summary(errors) for name, errors in self.errors.items()},
        }

    def _card(self) -> Card:
        of = f" ({self.name})" if self.name else ""
        law = type(self.fit.law).__name__
        title = (
            f"Hold-out{of}: {len(self.unseen)} runs, unseen by the fit of {law} to "
            f"{self.fit.num_runs} runs ({self.fit.status.name})"
        )
        rows = [[name, *error_cells(errors)] for name, errors in self.errors.items()]
        return Card(title, Table(["predictor", *ERROR_COLUMNS], rows), [ERRORS_ARE])


def error_summary(errors: np.ndarray) -> dict[str, float]:
    """Mean, median and worst of absolute errors.

    >>> error_summary(np.array([-3.0, 1.0, 0.5]))
    {'mean': 1.5, 'median': 1.0, 'worst': 3.0}
    """
    size = np.abs(errors)
    measures = {"mean": np.mean, "median": np.median, "worst": np.max}
    return {name: float(measure(size)) for name, measure in measures.items()}


ERROR_COLUMNS = ("mean (%)", "median (%)", "worst (%)")
ERRORS_ARE = "Absolute errors, in per cent of the measured losses."


def error_cells(errors: np.ndarray) -> list[str]:
    """The cells of the columns `ERROR_COLUMNS` of a table."""
    return [f"{each:.2f}" for each in error_summary(errors).values()]


def roll_out_rows(steps: Iterable[Mapping[str, Json]]) -> list[list[str]]:
    """The distance, the predictions and the `ERROR_COLUMNS` of each step of a roll-out."""
    return [
        [
            "{:.3g} to {:.3g}".format(*(10.0**end for end in step["decades"])),
            str(step["num_predictions"]),
            *(f"{step[name]:.2f}" for name in ("mean", "median", "worst")),
        ]
        for step in steps
    ]


def constant_loss(_: FitResult, seen: Runs, unseen: Runs) -> np.ndarray:
    """Predict the mean loss of the runs of the fit. Every useful law has smaller errors."""
    return np.broadcast_to(seen.loss.mean(axis=0), unseen.loss.shape)


def supervised_alone(result: FitResult, _: Runs, unseen: Runs) -> np.ndarray:
    """Predict with the supervised law at the student's size and tokens, without a teacher."""
    names = {"num_params": "num_student_params", "num_tokens": "num_student_tokens"}
    inputs = {name: unseen.inputs[column] for name, column in names.items()}
    return predict(result.law.supervised, inputs)


def baselines(law_type: type[Law]) -> dict[str, Predictor]:
    """The predictors that a law is compared with, by name."""
    found: dict[str, Predictor] = {"constant loss": constant_loss}
    if "supervised" in sub_laws(law_type) and "num_student_params" in law_type.input_names:
        found["supervised law alone"] = supervised_alone
    return found


def _ranges(runs: Runs) -> str:
    """The least and the greatest value of each input and of the losses."""
    values = {
        name: each[np.isfinite(each)] for name, each in {**runs.inputs, "loss": runs.loss}.items()
    }
    return ", ".join(
        f"{name} from {each.min():.4g} to {each.max():.4g}"
        for name, each in values.items()
        if each.size
    )


def hold_out(
    law_type: type[Law],
    runs: Runs,
    mask: Array | str,
    *,
    name: str = "",
    against: Mapping[str, Predictor] | None = None,
    options: FitOptions = FitOptions(),
    **changes: Unpack[FitChanges],
) -> HoldOut:
    """Fit a law to the runs outside a mask, and predict the runs inside it.

    Args:
        law_type: the class of the law.
        runs: the table. Only those runs inside the mask that have the law's inputs are predicted.
        mask: boolean array `(num_runs,)`, true for the runs to hold out; or an expression over
            columns such as `"loss < 2.3"`, see `row_filter.matching`.
        name: what is held out, in words. The default is the expression, if there is one.
        against: other predictors by name; None: the `baselines` of the law.
        options: how to fit. Sub-laws that are not frozen are fitted to runs outside the mask, too.
        changes: single options by name, which replace those of `options`.

    Raises:
        ValueError: the mask is not a boolean array of the runs' length, holds out no run or all
            runs, or the expression cannot be read; further as `fit`.
        TypeError: as `fit`.
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
        raise ValueError(
            f"{rule} holds out {len(unseen)} of {len(runs)} runs: hold out some, not all. The "
            f"table has {_ranges(runs)}"
        )
    unseen, seen = unseen.for_law(law_type), runs.where(~chosen)
    result = fit(law_type, seen, options=options, **changes)
    seen = seen.for_law(law_type)
    predicted = {"law": predict(result.law, unseen.inputs)}
    for baseline, predictor in (baselines(law_type) if against is None else against).items():
        predicted[baseline] = np.asarray(predictor(result, seen, unseen))
    errors = {key: relative_errors(losses, unseen) for key, losses in predicted.items()}
    return HoldOut(name=name, fit=result, unseen=unseen, errors=errors)


def lowest_losses(runs: Runs, share: float = 0.25) -> np.ndarray:
    """The mask of a share of the runs, those with the lowest losses; at least one run.

    Of several outcomes their mean counts.

    >>> runs = Runs.read({"num_params": [1e6, 1e7, 1e8, 4e8], "loss": [4.0, 3.0, 2.2, 2.5]})
    >>> lowest_losses(runs, 0.5).tolist()
    [False, False, True, True]

    Raises:
        ValueError: the share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"expected a share between 0 and 1, got {share!r}")
    mask = np.zeros(len(runs), dtype=bool)
    losses = runs.loss.reshape(len(runs), -1).mean(axis=1)
    mask[np.argsort(losses, kind="stable")[: max(1, round(share * len(runs)))]] = True
    return mask


def best_teachers(runs: Runs, num_teachers: int = 2) -> np.ndarray:
    """The mask of the distilled runs with the best teachers, those with the lowest losses.

    >>> students = {"num_student_params": [1e6, 1e7, 1e8], "num_student_tokens": [1e8, 1e9, 5e8]}
    >>> taught = Runs.read(students | {"teacher_loss": [2.5, 2.0, 3.0], "loss": [3.6, 2.8, 3.2]})
    >>> best_teachers(taught, 1).tolist()
    [False, True, False]

    Raises:
        ValueError: there are not more teachers than that, so that no run would be left.
    """
    losses = np.unique(runs.inputs["teacher_loss"])
    losses = losses[np.isfinite(losses)]
    if not 0 < num_teachers < len(losses):
        raise ValueError(
            f"expected 1 to {len(losses) - 1} of {len(losses)} teachers, got {num_teachers}"
        )
    return runs.inputs["teacher_loss"] <= losses[num_teachers - 1]
