"""One hold-out after another: every group, every fold, or what lies beyond ever more compute."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from fitting.data.run_sizes import extent
from fitting.data.runs import Runs
from fitting.validation.hold_outs import HoldOut, hold_out, sizes_of
from jaxlaws.foundations.quantities import format_quantity


def leave_one_group_out(
    law_type: type[Any], runs: Runs, column: str, **options: Any
) -> list[HoldOut]:
    """Hold out the runs of each value of a column in turn.

    Runs that are alike for another reason than the law's inputs (checkpoints of one training,
    runs on one data mixture) belong in one group: else each is predicted from its siblings.

    Args:
        law_type: the class of the law.
        runs: the table. Rows for the law's sub-laws are left out with their group as well.
        column: by its own name, or an input of ours.
        options: of `hold_out` and `fit`.

    Raises:
        ValueError: the table lacks the column, a run has no value there, or all have the same;
            further as `hold_out`.
        DataError: as `fit`.
    """
    called = runs.for_law(law_type)
    labels = called.groups(column)
    distinct = {
        value: value if isinstance(value, str) else format_quantity(value)
        for value in np.unique(labels).tolist()
    }
    if len(distinct) < 2:
        (only,) = distinct.values()
        raise ValueError(f"column {column!r} has the one value {only}: nothing to leave out")
    whole = called.whole()
    everywhere = np.concatenate([labels, whole.column(column)[len(called) :]])
    return [
        hold_out(law_type, whole, everywhere == value, name=f"{column} {told}", **options)
        for value, told in distinct.items()
    ]


def k_fold(
    law_type: type[Any], runs: Runs, num_folds: int = 5, *, seed: int = 0, **options: Any
) -> list[HoldOut]:
    """Hold out each of some random parts of equal size in turn.

    The runs of a fold lie among those fitted: this tells how well a law interpolates. `roll_out`
    tells how well it extrapolates.

    Args:
        law_type: the class of the law.
        runs: the table; rows for the law's sub-laws are dealt to the folds as well.
        num_folds: number of parts, 2 to the number of runs.
        seed: of the dealing, and of the fits.
        options: of `hold_out` and `fit`.

    Raises:
        ValueError: the number of folds is out of range; further as `hold_out`.
        DataError: as `fit`.
    """
    called = runs.for_law(law_type)
    if isinstance(num_folds, bool) or not 2 <= num_folds <= len(called):
        raise ValueError(f"expected 2 to {len(called)} folds, one a run, got {num_folds}")
    whole, rng = called.whole(), np.random.default_rng(seed)
    kinds = (len(called), len(whole) - len(called))
    folds = np.concatenate([rng.permutation(count) % num_folds for count in kinds])
    return [
        hold_out(
            law_type,
            whole,
            folds == fold,
            name=f"fold {fold + 1} of {num_folds}",
            seed=seed,
            **options,
        )
        for fold in range(num_folds)
    ]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class RollOut:
    """Hold-outs of all that lies beyond ever larger runs.

    Attributes:
        by: what measures a run: `flops`, `num_params` or `num_tokens`.
        held: the hold-outs, the window of fitted runs expanding from one to the next.
        frontiers: the largest extent among the fitted runs of each, `(num_windows,)`.
        decades: how far beyond it, in decades, each unseen run of each lies.
    """

    by: str
    held: tuple[HoldOut, ...]
    frontiers: np.ndarray
    decades: tuple[np.ndarray, ...]

    def against_distance(self, predictor: str = "law") -> tuple[np.ndarray, np.ndarray]:
        """Decades and errors in per cent of all windows' unseen runs, nearest first.

        Returns:
            Two arrays `(num_predictions,)`; a run is predicted once from each window before it.
        """
        decades = np.concatenate(self.decades)
        errors = np.concatenate([each.errors[predictor] for each in self.held])
        order = np.argsort(decades, kind="stable")
        return decades[order], errors[order]

    def by_distance(self, predictor: str = "law", *, width: float = 0.5) -> list[dict[str, Any]]:
        """Mean, median and worst absolute error in steps of distance, as JSON objects.

        Args:
            predictor: whose errors.
            width: of a step, decades.
        """
        decades, errors = self.against_distance(predictor)
        # A run within rounding of a step's upper edge belongs to it.
        steps = np.maximum(np.ceil(decades / width - 1e-9), 1).astype(int)
        told = []
        for step in np.unique(steps):
            here = errors[steps == step]
            ends = {"decades": [float((step - 1) * width), float(step * width)]}
            told.append({**ends, "num_predictions": len(here), **sizes_of(here)})
        return told


def roll_out(
    law_type: type[Any],
    runs: Runs,
    by: str = "flops",
    *,
    num_windows: int = 5,
    least: float = 0.4,
    **options: Any,
) -> RollOut:
    """Fit the smallest runs, predict all larger ones, and again with ever more of them fitted.

    Args:
        law_type: the class of the law.
        runs: the table; rows for the law's sub-laws count by their own extent.
        by: `flops` (a column, else 6 N D; of a distilled run the student's), `num_params` or
            `num_tokens`.
        num_windows: most fits. The windows hold shares of the runs evenly spaced from `least`
            on; those with the same runs are one.
        least: share of the runs in the first window, between 0 and 1.
        options: of `hold_out` and `fit`.

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
        ValueError: an option is out of range, all runs are of one extent, or the first window has
            too few runs for the coefficients; further as `hold_out`.
        DataError: as `fit`.
    """
    called = runs.for_law(law_type)
    own = extent(called, by)
    if not np.isfinite(own).all():
        rows = ", ".join(str(row) for row in called.rows[~np.isfinite(own)][:5])
        raise ValueError(f"{called.source}: {by} of row {rows} is not known")
    if not 0 < least < 1 or num_windows < 1:
        raise ValueError(
            f"expected least between 0 and 1 and at least one window, got {least}, {num_windows}"
        )
    ranked = np.sort(own)
    if ranked[0] == ranked[-1]:
        raise ValueError(f"all runs have the {by} {format_quantity(ranked[0])}: nothing is beyond")
    shares = least + (1 - least) * np.arange(num_windows) / num_windows
    last = np.ceil(shares * len(own) - 1e-9).astype(int) - 1
    frontiers = np.unique(np.minimum(ranked[np.maximum(last, 0)], ranked[ranked < ranked[-1]][-1]))
    whole = called.whole()
    everywhere = extent(whole, by)
    held = [
        hold_out(
            law_type, whole, everywhere > frontier, name=f"{by} > {format_quantity(frontier)}",
            **options,
        )
        for frontier in frontiers
    ]  # fmt: skip
    return RollOut(
        by=by,
        held=tuple(held),
        frontiers=frontiers,
        decades=tuple(
            np.log10(extent(each.unseen, by) / frontier)
            for each, frontier in zip(held, frontiers, strict=True)
        ),
    )


def pooled(held: Iterable[HoldOut]) -> dict[str, np.ndarray]:
    """The errors of each predictor over all hold-outs, in per cent, one after another."""
    parts = list(held)
    return {name: np.concatenate([each.errors[name] for each in parts]) for name in parts[0].errors}
