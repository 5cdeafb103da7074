"""`python -m experiments.calibration`: fit many simulated tables, count what intervals hold."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np

from experiments.calibration.methods import Ends, bootstraps, by_curvature
from experiments.calibration.simulated import (
    ASKED,
    COEFFICIENTS,
    Tables,
    noise_of_tables,
    quantities,
    truth,
)
from fitting import Huber, LogSquares
from fitting.reporting.markdown import markdown_table
from jaxlaws.precision import float64

_CHUNK = 50  # tables at once

# Of each method and quantity: whether each table's interval holds the truth.
Held = dict[str, dict[str, np.ndarray]]


def coverage(
    first: int, num_tables: int, *, misspecified: bool, objective: Any, draws: int
) -> Held:
    """Which intervals hold the truth: a share of the tables, by method and quantity.

    Args:
        first: seed of the first table, and of its draws; the next have the next.
        num_tables: number of tables.
        misspecified: whether the law that is fitted is not the one that the runs come from.
        objective: what is minimised.
        draws: replicates of each bootstrap.

    Raises:
        RuntimeError: a table's own fit reaches a lower objective than the batch.
    """
    law = truth(misspecified)
    with float64():
        tables = Tables.fitted(noise_of_tables(first, num_tables), law, objective)
        true = {name: float(value) for name, value in quantities(law).items()}
    if misspecified:  # a wrong law has no true coefficients, but its losses are right or wrong
        true = {name: true[name] for name in ASKED}
    singly, reached = by_curvature(tables, law, first, with_profile=not misspecified)
    if np.any(tables.objectives > reached * (1 + 1e-6)):
        worst = np.argmax(tables.objectives / reached)
        raise RuntimeError(
            f"table {first + worst}: {tables.objectives[worst]:.8g} in the batch, but "
            f"{reached[worst]:.8g} from starts of its own"
        )
    found: dict[str, Ends] = {**dict(bootstraps(tables, draws, first)), **singly}
    return {
        method: {
            name: (told[name][0] <= value) & (value <= told[name][1])
            for name, value in true.items()
            if name in told
        }
        for method, told in found.items()
    }


def table(held: Mapping[str, Mapping[str, np.ndarray]]) -> str:
    """Shares and their standard errors, in Markdown."""
    names = [name for name in (*COEFFICIENTS, *ASKED) if name in next(iter(held.values()))]
    rows = [
        [method, *(_share(told[name]) if name in told else "" for name in names)]
        for method, told in held.items()
    ]
    return markdown_table(["method", *names], rows)


def _share(held: np.ndarray) -> str:
    # The error at (held + 1) / (tables + 2): none of 500 is not known exactly to be none.
    near = (held.sum() + 1) / (len(held) + 2)
    return f"{held.mean():.3f} ± {(near * (1 - near) / len(held)) ** 0.5:.3f}"


@click.command()
@click.option("--repetitions", type=click.IntRange(min=1), default=500, show_default=True)
@click.option(
    "--draws",
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    help="Replicates of each bootstrap.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="A file for the shares as they come."
)
def main(repetitions: int, draws: int, output: Path | None) -> None:
    """Coverage of 90% intervals on 60 simulated runs with half a per cent of noise."""
    done: list[str] = []
    for objective in (Huber(1e-3), LogSquares()):
        for misspecified in (False, True):
            kind = "gamma .45 fitted with gamma 1" if misspecified else "well specified"
            parts: list[Held] = []
            told = ""
            for first in range(0, repetitions, _CHUNK):
                size = min(_CHUNK, repetitions - first)
                options: dict[str, Any] = {"misspecified": misspecified, "objective": objective}
                parts.append(coverage(first, size, draws=draws, **options))
                held = {
                    method: {n: np.concatenate([p[method][n] for p in parts]) for n in each}
                    for method, each in parts[0].items()
                }
                title = f"{objective}, {kind}, {first + size} tables of {draws} draws"
                told = f"{title}\n\n{table(held)}\n"
                click.echo(title, err=True)
                if output is not None:
                    output.write_text("\n".join([*done, told]), encoding="utf-8")
            done.append(told)
            click.echo(told)


if __name__ == "__main__":
    main()
