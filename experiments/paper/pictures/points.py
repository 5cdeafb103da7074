"""The paper's Figs. 1 and 5b: the law on the points of Fig. 1.

The points are not part of the project.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from matplotlib.figure import Figure

from experiments.hold_outs.parts import published
from fitting.reporting.fit_figures import fit_and_residuals, student_against_teacher
from fitting.validation.hold_outs import hold_out
from jaxlaws.foundations.annotations import Tree
from jaxlaws.foundations.provenance import Preset
from jaxlaws.laws.distillation_limit import DistillationLimit

FILE = "busbridge_figure1_points.csv"


def file_of_points() -> Path | None:
    """Return the file of points in `../shared/data` or in the folder `JAXLAWS_DATA`, or None."""
    default = Path(__file__).resolve().parents[4] / "shared" / "data"
    file = Path(os.environ.get("JAXLAWS_DATA", default)) / FILE
    return file if file.is_file() else None


def on_points(file: Path, known: Mapping[str, Preset]) -> Iterator[tuple[str, Figure]]:
    """Draw each preset on the points, and the two hold-outs. The losses up to 2.3 are rings.

    Args:
        file: the CSV file of the points.
        known: presets by name.

    Yields:
        A name and a figure. The hold-outs have the limit form of the law, fitted without them.
    """
    parts = published(str(file))
    for name, preset in known.items():
        law, runs, title = preset.law, parts[0].runs, f"{name} on the points of Fig. 1"
        yield f"{name}/points_by_teacher", student_against_teacher(law, runs, title=title)
        yield f"{name}/points_errors", fit_and_residuals(law, runs, title=title)
    for part in parts:
        freeze = {"supervised": part.supervised}
        held = hold_out(DistillationLimit, part.runs, part.unseen, freeze=freeze, num_starts=64)
        errors = abs(held.errors["law"])
        title = (
            f"Held out: {part.title}; mean error {errors.mean():.2f}%, worst {errors.max():.2f}%"
        )
        shown: dict[str, Tree] = {"held_out": part.unseen, "title": title}
        law = held.fit.law
        yield f"{part.name}_by_teacher", student_against_teacher(law, part.runs, **shown)
        yield f"{part.name}_errors", fit_and_residuals(law, part.runs, **shown)
