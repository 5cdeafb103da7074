"""Several hold-outs: each group of runs, each of some random folds, or all runs beyond a size."""

import dataclasses
from collections.abc import Iterable
from typing import Literal, TypeAlias, Unpack

import numpy as np

from fitting.data.run_sizes import extent
from fitting.data.runs import Runs
from fitting.estimation.options import FitChanges, FitOptions
from fitting.validation.hold_outs import (
    ERROR_COLUMNS,
    ERRORS_ARE,
    HoldOut,
    error_summary,
    hold_out,
    roll_out_rows,
)
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.law import Law
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.foundations.text.cards import Card, Displayed, cut
from jaxlaws.foundations.text.tables import Table

RunSize: TypeAlias = Literal["flops", "num_params", "num_tokens"]


def leave_one_group_out(
    law_type: type[Law],
    runs: Runs,
    column: str,
    *,
    options: FitOptions = FitOptions(),
    **changes: Unpack[FitChanges],
) -> list[HoldOut]:
    """Hold out the runs of each value of a column in turn.

    Runs that resemble each other for a reason outside the law's inputs belong in one group, such
    as checkpoints of one training or runs on one data mixture. Otherwise the errors are too
    small, because each run is predicted from runs that resemble it.

    Args:
        law_type: the class of the law.
        runs: the table. Rows for the law's sub-laws are held out with their group, too.
        column: name of the column in the table, or of an input.
        options: how to fit.
        changes: single options by name, which replace those of `options`.

    Raises:
        ValueError: the table lacks the column, a run has no value there, or all runs have the same
            value; further as `hold_out`.
        TypeError: as `fit`.
        DataError: as `fit`.
    """
    options = options.replaced(**changes)
    called = runs.for_law(law_type)
    labels = called.groups(column)
    distinct = {
        value: value if isinstance(value, str) else format_quantity(value)
        for value in np.unique(labels).tolist()
    }
    if len(distinct) < 2:
        (only,) = distinct.values()
        raise ValueError(f"column {column!r} has the one value {only}: take another column")
    whole = called.whole()
    everywhere = np.concatenate([labels, whole.column(column)[len(called) :]])
    return [
        hold_out(law_type, whole, everywhere == value, name=f"{column} {words}", options=options)
        for value, words in distinct.items()
    ]


def k_fold(
    law_type: type[Law],
    runs: Runs,
    num_folds: int = 5,
    *,
    options: FitOptions = FitOptions(),
    **changes: Unpack[FitChanges],
) -> list[HoldOut]:
    """Hold out each of some random folds of equal size in turn.

    The runs of a fold have sizes between those of the fitted runs, so the errors measure how well
    a law interpolates. Use `roll_out` to measure how well it extrapolates.

    Args:
        law_type: the class of the law.
        runs: the table. Rows for the law's sub-laws are distributed to the folds, too.
        num_folds: number of folds, 2 to the number of runs.
        options: how to fit. The seed is also the seed of the folds.
        changes: single options by name, which replace those of `options`.

    Raises:
        ValueError: the number of folds is out of range; further as `hold_out`.
        TypeError: as `fit`.
        DataError: as `fit`.
    """
    options = options.replaced(**changes)
    called = runs.for_law(law_type)
    if isinstance(num_folds, bool) or not 2 <= num_folds <= len(called):
        raise ValueError(f"expected 2 to {len(called)} folds, at most one per run, got {num_folds}")
    whole, rng = called.whole(), np.random.default_rng(options.seed)
    kinds = (len(called), len(whole) - len(called))
    folds = np.concatenate([rng.permutation(count) % num_folds for count in kinds])
    return [
        hold_out(
            law_type,
            whole,
            folds == fold,
            name=f"fold {fold + 1} of {num_folds}",
            options=options,
        )
        for fold in range(num_folds)
    ]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class RollOut(Displayed):
    """Hold-outs of all runs larger than the fitted ones, with more fitted runs in each window.

    Attributes:
        by: what measures the size of a run.
        hold_outs: one hold-out per window, from the smallest window to the largest.
        frontiers: size of the largest fitted run in each window, `(num_windows,)`.
        decades: extrapolation of each unseen run beyond the frontier, in decades; one array
            `(num_unseen,)` per window.
    """

    by: RunSize
    hold_outs: tuple[HoldOut, ...]
    frontiers: np.ndarray
    decades: tuple[np.ndarray, ...]

    def against_distance(self, predictor: str = "law") -> tuple[np.ndarray, np.ndarray]:
        """Extrapolation in decades and error in per cent of each prediction, nearest first.

        Returns:
            Two arrays `(num_predictions,)`. A run has one prediction (of each outcome) from each
            window in which it is unseen.
        """
        errors = np.concatenate([each.errors[predictor] for each in self.hold_outs])
        decades = np.repeat(np.concatenate(self.decades), errors.size // len(errors))
        errors = errors.ravel()
        order = np.argsort(decades, kind="stable")
        return decades[order], errors[order]

    def by_distance(self, predictor: str = "law", *, width: float = 0.5) -> list[dict[str, Json]]:
        """Mean, median and worst absolute error by steps of extrapolation, as JSON objects.

        Args:
            predictor: name of the predictor.
            width: width of a step, in decades.
        """
        decades, errors = self.against_distance(predictor)
        # A run within rounding of a step's upper edge belongs to it.
        steps = np.maximum(np.ceil(decades / width - 1e-9), 1).astype(int)
        summaries = []
        for step in np.unique(steps):
            here = errors[steps == step]
            ends = {"decades": [float((step - 1) * width), float(step * width)]}
            summaries.append({**ends, "num_predictions": len(here), **error_summary(here)})
        return summaries

    def to_json(self) -> dict[str, Json]:
        """The errors of the law by distance, as `FitResult.roll_out` holds them."""
        largest = float(self.frontiers[-1] * 10.0 ** self.decades[-1].max())
        return {"by": self.by, "largest": largest, "steps": self.by_distance()}

    def _card(self) -> Card:
        heads = ["times the largest fitted", "predictions", *ERROR_COLUMNS]
        title = f"Roll-out by {self.by}: {len(self.hold_outs)} windows"
        return Card(title, cut(Table(heads, roll_out_rows(self.by_distance()))), [ERRORS_ARE])


def roll_out(
    law_type: type[Law],
    runs: Runs,
    by: RunSize = "flops",
    *,
    num_windows: int = 5,
    least: float = 0.4,
    options: FitOptions = FitOptions(),
    **changes: Unpack[FitChanges],
) -> RollOut:
    """Fit the smallest runs and predict all larger runs; repeat with more and more fitted runs.

    Args:
        law_type: the class of the law.
        runs: the table. Rows for the law's sub-laws are measured by their own size.
        by: what measures the size of a run: `flops` (the column of that name, else 6 N D; for a
            distilled run, those of the student), `num_params` or `num_tokens`.
        num_windows: largest number of fits. The windows contain evenly spaced shares of the runs,
            from `least` on; windows with the same runs count once.
        least: share of the runs in the first window, between 0 and 1.
        options: how to fit.
        changes: single options by name, which replace those of `options`.

    >>> from jaxlaws import presets
    >>> from jaxlaws.laws.chinchilla import Chinchilla
    >>> size, tokens = (grid.ravel() for grid in np.meshgrid([1e8, 4e8, 2e9], [2e9, 2e10, 1e11]))
    >>> loss = presets.load("hoffmann2022").loss(num_params=size, num_tokens=tokens)
    >>> runs = Runs.read({"num_params": size, "num_tokens": tokens, "loss": loss})
    >>> rolled = roll_out(Chinchilla, runs, num_windows=2, least=0.6, freeze={"E": 1.69})
    >>> [round(float(frontier / 1e18)) for frontier in rolled.frontiers]
    [60, 240]
    >>> decades, errors = rolled.against_distance()
    >>> round(float(decades[-1]), 2), bool(abs(errors).max() < 1e-3)
    (1.3, True)

    Raises:
        ValueError: an argument is out of range, the size of a run is unknown, all runs have one
            size, or the first window has too few runs for the coefficients; further as `hold_out`.
        TypeError: as `fit`.
        DataError: as `fit`.
    """
    options = options.replaced(**changes)
    called = runs.for_law(law_type)
    own = extent(called, by)
    if not np.isfinite(own).all():
        rows = ", ".join(str(row) for row in called.rows[~np.isfinite(own)][:5])
        raise ValueError(f"{called.source}: {by} is unknown in row {rows}: leave out these rows")
    if not 0 < least < 1 or num_windows < 1:
        raise ValueError(
            f"expected least between 0 and 1 and at least one window, got {least}, {num_windows}"
        )
    ranked = np.sort(own)
    if ranked[0] == ranked[-1]:
        raise ValueError(f"all runs have the {by} {format_quantity(ranked[0])}: no run is larger")
    shares = least + (1 - least) * np.arange(num_windows) / num_windows
    last = np.ceil(shares * len(own) - 1e-9).astype(int) - 1
    frontiers = np.unique(np.minimum(ranked[np.maximum(last, 0)], ranked[ranked < ranked[-1]][-1]))
    whole = called.whole()
    everywhere = extent(whole, by)
    hold_outs = [
        hold_out(
            law_type,
            whole,
            everywhere > frontier,
            name=f"{by} > {format_quantity(frontier)}",
            options=options,
        )
        for frontier in frontiers
    ]
    return RollOut(
        by=by,
        hold_outs=tuple(hold_outs),
        frontiers=frontiers,
        decades=tuple(
            np.log10(extent(each.unseen, by) / frontier)
            for each, frontier in zip(hold_outs, frontiers, strict=True)
        ),
    )


def pooled_errors(hold_outs: Iterable[HoldOut]) -> dict[str, np.ndarray]:
    """The errors of each predictor in all hold-outs, in per cent, one array per predictor."""
    parts = list(hold_outs)
    return {name: np.concatenate([each.errors[name] for each in parts]) for name in parts[0].errors}
