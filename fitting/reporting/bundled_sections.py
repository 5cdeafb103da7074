"""The laws of the bundled runs, as sections of a report with pictures in files."""

from pathlib import Path

import numpy as np

from fitting.data.bundled_table import bundled_runs
from fitting.data.predictions import predict, relative_errors
from fitting.data.runs import Runs
from fitting.estimation.results import FitResult
from fitting.reporting import fit_figures
from fitting.reporting.fit_sections import coefficient_table
from fitting.reporting.tables import error_table
from fitting.validation.hold_outs import best_teachers, hold_out, lowest_losses
from jaxlaws.foundations.atomic_files import atomic_write
from jaxlaws.foundations.text.escaping import markdown_text
from jaxlaws.laws.distillation_exponential import DistillationExponential
from jaxlaws.laws.supervised import Supervised


def law_section(folder: Path, name: str, result: FitResult, runs: Runs) -> list[str]:
    """A fitted law: saved and drawn in a folder, and described."""
    result.save(folder / f"{name}.json")
    picture = fit_figures.fit_and_residuals(result.law, runs, title=f"{name} law")
    with atomic_write(folder / f"{name}.svg") as temporary:
        picture.savefig(temporary, format="svg")
    errors = np.abs(relative_errors(predict(result.law, runs.inputs), runs))
    return [
        f"## The {name} law",
        f"{result.num_runs} runs, {result.status.name}, {result.starts_agreeing:.0%} of the starts "
        f"agree. On the fitted runs: mean error {errors.mean():.2f}%, worst {errors.max():.2f}%.",
        coefficient_table(result),
        *(f"- {markdown_text(note)}" for note in result.warnings),
        f"![measured against predicted loss]({name}.svg)",
    ]


def teacher_section(folder: Path, result: FitResult, runs: Runs) -> list[str]:
    """The students of a distillation law against their teachers, drawn in a folder."""
    with atomic_write(folder / "teachers.svg") as temporary:
        picture = fit_figures.student_against_teacher(result.law, runs)
        picture.savefig(temporary, format="svg")
    return [
        "## Students and their teachers",
        "Lines are the fitted law; dashed lines are the supervised law for the student alone. "
        "Where a line rises to the left, a better teacher makes a worse student.",
        "![student loss against teacher loss](teachers.svg)",
    ]


def hold_out_section(seed: int) -> list[str]:
    """Errors of both laws on runs that the fits did not see."""
    runs, supervised = bundled_runs(), bundled_runs("supervised")
    taught = best_teachers(runs)
    teachers = np.isin(runs.loss, runs.inputs["teacher_loss"][taught])
    lowest, lowest_supervised = lowest_losses(runs), lowest_losses(supervised)
    law = DistillationExponential
    unseen = {
        "supervised, lowest quarter of losses": (Supervised, supervised, lowest_supervised),
        "distilled, among the lowest quarter of all losses": (law, runs, lowest),
        "distilled from the two best teachers": (law, runs, taught | teachers),
    }
    held = [hold_out(*which, name=name, seed=seed) for name, which in unseen.items()]
    return [
        "## Runs that the fits did not see",
        "Each law is fitted again without the runs that are held out (the supervised law inside "
        "the distillation law too), and predicts them. For comparison: the mean loss of the "
        "fitted runs, and the supervised law at the student's size and tokens.",
        error_table(held),
    ]
