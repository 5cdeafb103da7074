"""The hold-outs of each table: the lowest losses, and the students of the best teachers."""

from typing import NamedTuple

import numpy as np

from fitting import Runs, bundled_runs, fit
from fitting.validation.hold_outs import best_teachers, lowest_losses
from jaxlaws import presets
from jaxlaws.laws.distillation_limit import DistillationLimit
from jaxlaws.laws.supervised import Supervised


class Part(NamedTuple):
    """A hold-out of one table.

    Attributes:
        name: the name of its figures.
        title: the runs that are held out, in words.
        runs: the distilled runs.
        unseen: which runs are held out, boolean `(num_runs,)`.
        supervised: the supervised law, fitted without the held-out runs and their teachers.
    """

    name: str
    title: str
    runs: Runs
    unseen: np.ndarray
    supervised: Supervised


def bundled(num_starts: int) -> list[Part]:
    """The bundled runs: the lowest quarter of losses, and the students of the two best teachers.

    The supervised law is fitted without the held-out teachers and without losses as low as the
    held-out losses.

    Args:
        num_starts: number of starts of the fits of the supervised law.
    """
    runs, alone = bundled_runs("distilled"), bundled_runs("supervised")
    low, best = lowest_losses(runs), best_teachers(runs)
    of_best = np.isin(alone.others["run"], runs.others["teacher"][best])
    kept = {
        "low_losses": ("lowest quarter of losses", low, alone.loss > runs.loss[low].max()),
        "best_teachers": ("two best teachers", best, ~of_best),
    }
    return [
        _part(
            f"bundled_{name}",
            title,
            runs,
            mask,
            fit(Supervised, alone.where(which), num_starts=num_starts).law,
        )
        for name, (title, mask, which) in kept.items()
    ]


def published(path: str) -> list[Part]:
    """The points of the paper's Fig. 1: losses up to 2.3, as in the paper, and teachers up to 2.0.

    The supervised law is the printed law, fitted to supervised runs that were not published.

    Args:
        path: the CSV file of the points.
    """
    runs = Runs.read(path, {"loss": "student_loss"}, DistillationLimit)
    printed = presets.load("busbridge2025_supervised")
    low, best = runs.loss <= 2.3, runs.inputs["teacher_loss"] <= 2.0
    return [
        _part("published_low_losses", "losses up to 2.3", runs, low, printed),
        _part("published_best_teachers", "teachers up to 2.0", runs, best, printed),
    ]


def _part(name: str, title: str, runs: Runs, unseen: np.ndarray, supervised: Supervised) -> Part:
    return Part(name, f"{title} ({unseen.sum()})", runs, unseen, supervised)
