"""`python -m experiments.calibration`: the coverage of intervals on many simulated tables."""

from pathlib import Path

import click
import numpy as np

from experiments.calibration.methods import Ends, bootstraps, by_curvature
from experiments.calibration.simulated import (
    COEFFICIENTS,
    LOSSES_AT,
    Tables,
    noise_of_tables,
    quantities,
    truth,
)
from fitting import Huber, LogSquares
from fitting.problem.objectives import Objective
from fitting.reporting.markdown import markdown_table
from jaxlaws.precision import float64

_CHUNK = 50  # tables at once

# By method and quantity: whether the interval of each table contains the true value.
Covered = dict[str, dict[str, np.ndarray]]


def coverage(
    first: int, num_tables: int, *, misspecified: bool, objective: Objective, draws: int
) -> Covered:
    """Which intervals contain the true value, by method and quantity, `(num_tables,)` each.

    Args:
        first: seed of the first table and of its draws; further tables have the next seeds.
        num_tables: number of tables.
        misspecified: whether the fitted law is not the law of the runs.
        objective: what the fits minimise.
        draws: number of draws of each bootstrap.

    Raises:
        RuntimeError: the separate fit of a table reaches a lower objective than the batch.
    """
    law = truth(misspecified)
    with float64():
        tables = Tables.fitted(noise_of_tables(first, num_tables), law, objective)
        true = {name: float(value) for name, value in quantities(law).items()}
    if misspecified:  # a wrong law has no true coefficients, only true losses
        true = {name: true[name] for name in LOSSES_AT}
    singly, reached = by_curvature(tables, law, first, with_profile=not misspecified)
    if np.any(tables.objectives > reached * (1 + 1e-6)):
        worst = np.argmax(tables.objectives / reached)
        raise RuntimeError(
            f"table {first + worst}: {tables.objectives[worst]:.8g} in the batch, but "
            f"{reached[worst]:.8g} from its own random starts"
        )
    found: dict[str, Ends] = {**dict(bootstraps(tables, draws, first)), **singly}
    return {
        method: {
            name: (intervals[name][0] <= value) & (value <= intervals[name][1])
            for name, value in true.items()
            if name in intervals
        }
        for method, intervals in found.items()
    }


def table(covered: Covered) -> str:
    """The shares of covered true values and their standard errors, in Markdown."""
    names = [name for name in (*COEFFICIENTS, *LOSSES_AT) if name in next(iter(covered.values()))]
    rows = [
        [method, *(_share(each[name]) if name in each else "" for name in names)]
        for method, each in covered.items()
    ]
    return markdown_table(["method", *names], rows)


def _share(covered: np.ndarray) -> str:
    # The standard error at (count + 1) / (tables + 2), so that it is not zero for a share of zero.
    near = (covered.sum() + 1) / (len(covered) + 2)
    return f"{covered.mean():.3f} ± {(near * (1 - near) / len(covered)) ** 0.5:.3f}"


@click.command()
@click.option(
    "--repetitions",
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    help="Number of simulated tables.",
)
@click.option(
    "--draws",
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    help="Number of draws of each bootstrap.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File for the shares; it is written after each fifty tables.",
)
def main(repetitions: int, draws: int, output: Path | None) -> None:
    """Measure the coverage of 90% intervals on 60 simulated runs with half a per cent of noise."""
    done: list[str] = []
    for objective in (Huber(1e-3), LogSquares()):
        for misspecified in (False, True):
            kind = "gamma .45 fitted with gamma 1" if misspecified else "well specified"
            parts: list[Covered] = []
            text = ""
            for first in range(0, repetitions, _CHUNK):
                size = min(_CHUNK, repetitions - first)
                parts.append(
                    coverage(
                        first, size, misspecified=misspecified, objective=objective, draws=draws
                    )
                )
                covered = {
                    method: {n: np.concatenate([p[method][n] for p in parts]) for n in each}
                    for method, each in parts[0].items()
                }
                title = f"{objective}, {kind}, {first + size} tables of {draws} draws"
                text = f"{title}\n\n{table(covered)}\n"
                click.echo(title, err=True)
                if output is not None:
                    output.write_text("\n".join([*done, text]), encoding="utf-8")
            done.append(text)
            click.echo(text)


if __name__ == "__main__":
    main()
