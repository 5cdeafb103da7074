"""Compare fits of many laws with SciPy: see README.md."""

import collections
import itertools
from collections.abc import Iterable

import click
import jax

from experiments.benchmarks.any_law.random_fits import Outcome, random_fits
from experiments.benchmarks.any_law.tasks import TASKS, task_fits
from fitting import markdown_table


@click.group()
def main() -> None:
    """Compare fits of many laws with SciPy."""
    jax.config.update("jax_enable_x64", True)


@main.command()
@click.option("--each", default=44, show_default=True, help="Number of fits of each kind.")
@click.option("--first", default=0, show_default=True, help="Number of the first problem.")
@click.argument("kinds", nargs=-1)
def truth(each: int, first: int, kinds: tuple[str, ...]) -> None:
    """Fit random laws; the best known objective is SciPy's from the true coefficients."""
    _show(random_fits(kinds, range(first, first + each)))


@main.command()
@click.option("--starts", default=100, show_default=True, help="Number of starts of SciPy.")
@click.argument("names", nargs=-1, type=click.Choice(list(TASKS)))
def tasks(starts: int, names: tuple[str, ...]) -> None:
    """Fit ten formulas to each of four synthetic tables; the reference is SciPy's best start."""
    _show(task_fits(names or tuple(TASKS), starts))


def _show(outcomes: Iterable[Outcome]) -> None:
    """Print each fit that is not as it should be, and a row for each kind."""
    titles = ["kind", "fits", "at the best objective", "wrong", "pessimistic", "lower", "statuses"]
    every: list[Outcome] = []
    for name, group in itertools.groupby(outcomes, key=lambda outcome: outcome.kind):
        found = []
        for outcome in group:
            found.append(outcome)
            if not outcome.is_solved or outcome.is_pessimistic:
                click.echo(f"{outcome.verdict}: {outcome}")
        every += found
        click.echo(" | ".join(_row(name, found)))
    click.echo(markdown_table(titles, [_row("all", every)]))


def _row(name: str, outcomes: list[Outcome]) -> list[str]:
    statuses = collections.Counter(outcome.status.name for outcome in outcomes)
    counts = (
        len(outcomes),
        sum(outcome.is_solved for outcome in outcomes),
        sum(outcome.is_wrong for outcome in outcomes),
        sum(outcome.is_pessimistic for outcome in outcomes),
        sum(outcome.excess < -1e-6 for outcome in outcomes),
    )
    words = ", ".join(f"{status} {count}" for status, count in statuses.most_common())
    return [name, *map(str, counts), words]


main()
