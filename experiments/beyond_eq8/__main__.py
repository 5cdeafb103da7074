"""`python -m experiments.beyond_eq8`: fit every rival, hold out, and print the tables."""

from typing import Any

import click
import numpy as np

from experiments.beyond_eq8.rivals import RIVALS
from fitting import Runs, bundled_runs, fit
from fitting.data.predictions import predict, relative_errors
from fitting.reporting.markdown import markdown_table
from fitting.validation.hold_outs import best_teachers, hold_out, lowest_losses
from jaxlaws import presets
from jaxlaws.laws.distillation_limit import DistillationLimit
from jaxlaws.laws.supervised import Supervised

COLUMNS = [
    "form", "objective x 1e4", "agree", "mean %", "below %", "low losses %", "teachers %", "L_T*",
]  # fmt: skip


def row(name: str, runs: Runs, supervised: Any, masks: list[np.ndarray], starts: int) -> list[str]:
    """A rival's line: its fit, its errors, those on students below their teachers, hold-outs."""
    options: dict[str, Any] = {"freeze": {"supervised": supervised}, "num_starts": starts}
    result = fit(RIVALS[name], runs, **options)
    errors = np.abs(relative_errors(predict(result.law, runs.inputs), runs))
    below = runs.loss < runs.inputs["teacher_loss"]
    held = [
        np.abs(hold_out(RIVALS[name], runs, mask, against={}, **options).errors["law"]).mean()
        for mask in masks
    ]
    numbers = [errors.mean(), errors[below].mean(), *held]
    return [
        name,
        f"{1e4 * result.objective:.3f}",
        f"{result.starts_agreeing:.2f}",
        *(f"{number:.3f}" for number in numbers),
        best_teacher(result.law, runs),
    ]


def best_teacher(law: Any, runs: Runs) -> str:
    """The best teacher's loss for the table's student of least loss, or `none`.

    None where the strongest teacher that can be is best: then the law has no capacity gap there.
    """
    student = {name: runs.inputs[name][np.argmin(runs.loss)] for name in law.input_names[:2]}
    strongest = float(predict(law.supervised, {"num_params": np.inf, "num_tokens": np.inf}))
    teachers = np.linspace(strongest, runs.inputs["teacher_loss"].max(), 3001)[1:]
    best = int(np.argmin(predict(law, student | {"teacher_loss": teachers})))
    return f"{teachers[best]:.2f}" if best else "none"


@click.command()
@click.option("--data", type=click.Path(exists=True), help="The points of the paper's Fig. 1.")
@click.option("--starts", default=64, show_default=True)
@click.option("--only", type=click.Choice(list(RIVALS)), multiple=True, help="Some of the forms.")
def main(data: str | None, starts: int, only: tuple[str, ...]) -> None:
    """Compare the rivals on the published points (where given) and on the bundled runs."""
    names = only or tuple(RIVALS)
    tables = []
    if data is not None:
        runs = Runs.read(data, {"loss": "student_loss"}, DistillationLimit)
        masks = [runs.loss <= 2.3, runs.inputs["teacher_loss"] <= 2.0]
        tables.append(("published", runs, presets.load("busbridge2025_supervised"), masks))
    runs = bundled_runs("distilled")
    masks = [lowest_losses(runs), best_teachers(runs)]
    tables.append(("bundled", runs, fit(Supervised, bundled_runs("supervised")), masks))
    for title, runs, supervised, masks in tables:
        below = int(np.sum(runs.loss < runs.inputs["teacher_loss"]))
        sizes = ", ".join(str(mask.sum()) for mask in masks)
        click.echo(f"\n{title}: {len(runs)} runs, {below} below, held out {sizes}\n")
        click.echo(markdown_table(COLUMNS, []))
        for name in names:
            click.echo("| " + " | ".join(row(name, runs, supervised, masks, starts)) + " |")


if __name__ == "__main__":
    main()
