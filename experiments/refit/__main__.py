"""`python -m experiments.refit`: fits, bootstraps and checks the preset, and writes its draws."""

from pathlib import Path

import click
import jax
import numpy as np

from fitting import FitResult, Huber, Runs, fit
from fitting.data.predictions import predict, relative_errors
from jaxlaws import presets, save
from jaxlaws.laws.distillation_limit import DistillationLimit

DRAWS = Path(__file__).resolve().parents[2] / "jaxlaws" / "laws" / "busbridge2025_refit_draws.json"
_DIGITS = 9
_HELD_OUT_BELOW = 2.3


def refit(runs: Runs, *, bootstrap: int = 0, seed: int = 0) -> FitResult:
    """Fit the limit form to distilled runs, with the paper's supervised law as printed."""
    return fit(
        DistillationLimit,
        runs,
        objective=Huber(1e-3),
        bootstrap=bootstrap,
        freeze={"supervised": presets.load("busbridge2025_supervised")},
        seed=seed,
    )


def errors(law: DistillationLimit, runs: Runs) -> np.ndarray:
    """Absolute errors of the predicted losses, in per cent."""
    return np.abs(relative_errors(predict(law, runs.inputs), runs))


@click.command()
@click.option("--data", required=True, type=click.Path(exists=True), help="CSV file of the points.")
@click.option("--bootstrap", default=1000, show_default=True, help="Number of bootstrap draws.")
@click.option(
    "--draws",
    default=DRAWS,
    show_default=True,
    type=click.Path(path_type=Path),
    help="File to write the draws to.",
)
def main(data: str, bootstrap: int, draws: Path) -> None:
    """Make the preset busbridge2025_refit from the points of the paper's Fig. 1."""
    runs = Runs.read(data, {"loss": "student_loss"}, DistillationLimit)
    result = refit(runs, bootstrap=bootstrap)
    click.echo(f"{result.num_runs} points, objective {result.objective:.5e}, {result.status.name}")
    for name, each in result.coefficients().items():
        click.echo(f"{name:18} {each['value']:.6g}  ({each['low']:.5g}, {each['high']:.5g})")
    sizes = errors(result.law, runs)
    click.echo(f"error {sizes.mean():.3f}% on average, {sizes.max():.3f}% at worst")
    above = runs.loss > _HELD_OUT_BELOW
    held_out = errors(refit(runs.where(above)).law, runs.where(~above))
    click.echo(
        f"fitted to losses above {_HELD_OUT_BELOW}: error of the other {len(held_out)} points "
        f"{held_out.mean():.3f}% on average, {held_out.max():.3f}% at worst"
    )
    click.echo(f"fitted range {result.fitted_range}")
    short = np.vectorize(lambda value: float(f"{value:.{_DIGITS}g}"))
    save(jax.tree.map(short, result.usable_ensemble()), draws)
    click.echo(f"draws written to {draws}")


main()
