"""Compare fits of many laws with SciPy: see README.md."""

import collections
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
    """Print what is not as it should be at once, and a table of all kinds at the end."""
    found: dict[str, list[Outcome]] = collections.defaultdict(list)
    for outcome in outcomes:
        found[outcome.kind].append(outcome)
        if outcome.is_wrong or outcome.is_pessimistic or not outcome.is_solved:
            word = "wrong" if outcome.is_wrong else "pessimistic"
            word = word if outcome.is_solved or outcome.is_wrong else "not solved, as it says"
            click.echo(
                f"{word}: {outcome.kind}, number {outcome.number}, {outcome.status.name}, "
                f"objective {outcome.excess:+.2e}, {outcome.starts_agreeing:.1%} of the starts agree"
            )
    rows = [_row(name, each) for name, each in found.items()]
    rows.append(_row("all", [outcome for each in found.values() for outcome in each]))
    titles = ["kind", "fits", "at the best objective", "wrong", "pessimistic", "lower", "statuses"]
    click.echo(markdown_table(titles, rows))


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
