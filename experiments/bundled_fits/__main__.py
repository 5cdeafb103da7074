"""`python -m experiments.bundled_fits`: both hold-outs of the bundled runs, law by law."""

from typing import Any, NamedTuple

import click
import numpy as np

from experiments.bundled_fits.effective_tokens import EffectiveTokens
from fitting import Runs, bundled_runs, fit
from fitting.reporting import markdown_table
from fitting.validation import best_teachers, hold_out, lowest_losses, sizes_of
from jaxlaws.laws.distillation_beyond import DistillationBeyond
from jaxlaws.laws.distillation_limit import DistillationLimit
from jaxlaws.laws.supervised import Supervised


class Simpler(NamedTuple):
    """A law, and the coefficients that are held so that a part of it is gone."""

    law_type: type[Any]
    freeze: dict[str, float]


_GONE = 1e-9
LAWS = {
    "with a gain on weak teachers": Simpler(DistillationBeyond, {}),
    "limit form of Eq. 8": Simpler(DistillationLimit, {}),
    "no outer exponent (gamma 1)": Simpler(DistillationLimit, {"gamma": 1.0}),
    "no bracket (kappa 0)": Simpler(DistillationLimit, {"kappa": _GONE, "f1": 1.0}),
    "no capacity gap (c0 and kappa 0)": Simpler(
        DistillationLimit, {"kappa": _GONE, "f1": 1.0, "c0": _GONE}
    ),
    "supervised law, effective tokens": Simpler(EffectiveTokens, {}),
}


def rows(title: str, runs: Runs, mask: np.ndarray, supervised: Any, starts: int) -> list[list[str]]:
    """Lines of one hold-out: each law, then the predictors that need no fit of their own."""
    told = []
    for name, (law_type, freeze) in LAWS.items():
        options: dict[str, Any] = {
            "freeze": freeze | {"supervised": supervised},
            "num_starts": starts,
        }
        last = name == list(LAWS)[-1]
        held = hold_out(law_type, runs, mask, against=None if last else {}, **options)
        for predictor, errors in held.errors.items():
            measures = [f"{value:.2f}" for value in sizes_of(errors).values()]
            bias = f"{errors.mean():+.2f}"
            told.append([title, name if predictor == "law" else predictor, *measures, bias])
    return told


@click.command()
@click.option("--starts", default=64, show_default=True)
def main(starts: int) -> None:
    """Hold out the lowest quarter of losses, then the two best teachers, of the distilled runs."""
    distilled, runs = bundled_runs("distilled"), bundled_runs("supervised")
    best, low = best_teachers(distilled), lowest_losses(distilled)
    # The supervised law sees neither the teachers held out nor losses below those fitted.
    teachers = np.isin(runs.others["run"], distilled.others["teacher"][best])
    parts = [
        (
            f"lowest quarter of losses ({low.sum()})",
            low,
            runs.where(runs.loss > distilled.loss[low].max()),
        ),
        (f"two best teachers ({best.sum()})", best, runs.where(~teachers)),
    ]
    table = []
    for title, mask, seen in parts:
        supervised = fit(Supervised, seen, num_starts=starts).law
        table += rows(title, distilled, mask, supervised, starts)
    columns = ["held out", "predicted by", "mean %", "median %", "worst %", "bias %"]
    click.echo(markdown_table(columns, table))


if __name__ == "__main__":
    main()
