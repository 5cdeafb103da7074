"""`python -m experiments.hold_outs`: errors of several laws on held-out runs, and figures."""

from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from experiments.hold_outs.effective_tokens import EffectiveTokens
from experiments.hold_outs.parts import Part, bundled, published
from fitting.reporting.fit_figures import fit_and_residuals, student_against_teacher
from fitting.reporting.markdown import markdown_table
from fitting.validation.hold_outs import HoldOut, hold_out
from jaxlaws.figures.style import save_figure
from jaxlaws.foundations.law import Law
from jaxlaws.laws.distillation_beyond import DistillationBeyond
from jaxlaws.laws.distillation_limit import DistillationLimit


class Simpler(NamedTuple):
    """A law, and the coefficients to freeze so that a part of the law has no effect."""

    law_type: type[Law]
    freeze: dict[str, float]


_GONE = 1e-9
_DRAWN = "limit form of Eq. 8"
LAWS = {
    "with a gain on weak teachers": Simpler(DistillationBeyond, {}),
    _DRAWN: Simpler(DistillationLimit, {}),
    "no outer exponent (gamma 1)": Simpler(DistillationLimit, {"gamma": 1.0}),
    "no bracket (kappa 0)": Simpler(DistillationLimit, {"kappa": _GONE, "f1": 1.0}),
    "no capacity gap (c0 and kappa 0)": Simpler(
        DistillationLimit, {"kappa": _GONE, "f1": 1.0, "c0": _GONE}
    ),
    "supervised law, effective tokens": Simpler(EffectiveTokens, {}),
}
COLUMNS = ["held out", "predicted by", "mean %", "median %", "worst tenth %", "worst %", "bias %"]


def rows(part: Part, held: dict[str, HoldOut]) -> list[list[str]]:
    """Rows of one hold-out: each law, then the predictors that need no further fit."""
    errors = {name: each.errors["law"] for name, each in held.items()}
    errors |= {name: each for name, each in held[_DRAWN].errors.items() if name != "law"}
    return [[part.title, name, *measures(each)] for name, each in errors.items()]


def measures(errors: np.ndarray) -> list[str]:
    """Mean, median, ninth decile and maximum of the absolute errors, and the mean of the errors."""
    size = np.abs(errors)
    sizes = [size.mean(), np.median(size), np.quantile(size, 0.9), size.max()]
    return [*(f"{value:.2f}" for value in sizes), f"{errors.mean():+.2f}"]


def draw(part: Part, held: HoldOut, folder: Path) -> None:
    """Two figures like those of the paper: Fig. 1 (losses against teachers) and 5b (errors)."""
    title = f"{held.fit.num_runs} runs fitted; held out: {part.title}"
    shown = {"held_out": part.unseen, "title": title}
    teachers = student_against_teacher(held.fit.law, part.runs, **shown)
    save_figure(teachers, folder / f"{part.name}_teachers.svg")
    errors = fit_and_residuals(held.fit.law, part.runs, **shown)
    save_figure(errors, folder / f"{part.name}_errors.svg")


@click.command()
@click.option("--data", type=click.Path(exists=True), help="CSV file of the points of Fig. 1.")
@click.option("--starts", default=64, show_default=True, help="Number of starts of each fit.")
@click.option(
    "-o",
    "--out",
    default="out/hold_outs",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder to write the figures to.",
)
def main(data: str | None, starts: int, out: Path) -> None:
    """Hold out low losses, then the best teachers, of the bundled and the published runs."""
    out.mkdir(parents=True, exist_ok=True)
    for part in [*bundled(starts), *(published(data) if data is not None else [])]:
        held = {
            name: hold_out(
                law_type,
                part.runs,
                part.unseen,
                freeze=freeze | {"supervised": part.supervised},
                num_starts=starts,
                against=None if name == _DRAWN else {},
            )
            for name, (law_type, freeze) in LAWS.items()
        }
        click.echo(f"\n{markdown_table(COLUMNS, rows(part, held))}")
        draw(part, held[_DRAWN], out)
    click.echo(f"\nfigures in {out}")


if __name__ == "__main__":
    main()
