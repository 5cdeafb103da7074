"""`python -m experiments.predictions`: predict, train, judge."""

import csv
import datetime
import time
from pathlib import Path

import click

from experiments.predictions import judgement, picture, precision, stacks
from experiments.predictions.plan import describe
from experiments.predictions.plan import stacks as planned
from experiments.predictions.predicted import COLUMNS, RECORD, TABLES, fitted, rows, winners
from experiments.runlab import corpus, table
from experiments.runlab.__main__ import OUT
from experiments.runlab.__main__ import TABLE as BUNDLED
from experiments.runlab.summary import noise_lines
from experiments.runlab.sweep import versions
from experiments.runlab.worker import Folders, use_cache
from fitting import bundled_runs, markdown_table

HERE = Path(__file__).parent
PREDICTIONS = HERE / "predictions.csv"
RESULTS = HERE / "runs.csv"
FITS = OUT.parent / "predictions"

out_option = click.option(
    "--out", type=click.Path(path_type=Path), default=OUT, help="Text, weights, compiled programs."
)
draws_option = click.option("--draws", default=300, show_default=True, help="Of the bootstrap.")
precision_option = click.option(
    "--precision",
    default="TF32",
    type=click.Choice(list(precision.PRECISIONS)),
    help="Of matrix products.",
)


@click.group()
def main() -> None:
    """Predict runs from the bundled table, then train them, then compare."""


@main.command()
@draws_option
@click.option("--starts", default=64, show_default=True)
@click.option("--table", "path", type=click.Path(path_type=Path), default=PREDICTIONS)
def predict(draws: int, starts: int, path: Path) -> None:
    """Write the predicted loss of each planned run, and print who should win the comparisons."""
    date = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    made = []
    for name in TABLES:
        fits = fitted(name, draws, starts, FITS)
        made += rows(planned(), name, fits, date)
        for line in winners(fits):
            click.echo(f"{name}: {line}")
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(made)
    click.echo(f"{len(made)} predictions in {path}")


@main.command()
@click.option("--seconds", default=3600.0, help="Runs that would end later are left out.")
@click.option("--commit", help="Of the code, where it is not in a git repository.")
@click.option("--table", "path", type=click.Path(path_type=Path), default=RESULTS)
@click.option("--dry-run", is_flag=True, help="Print the plan, and stop.")
@precision_option
@out_option
def train(seconds, commit, path, dry_run, precision, out) -> None:
    """Train the planned runs that the table lacks. Meant for one GPU."""
    deadline = time.monotonic() + seconds
    for stack in planned():
        click.echo(describe(stack), err=True)
    if dry_run:
        return
    folders = Folders(out)
    use_cache(folders)
    sha256 = corpus.load(folders.corpus).facts["sha256"]
    facts = versions(commit) | {"sweep": "predictions", "corpus_sha256": sha256}
    stacks.train(
        planned(),
        path,
        folders,
        deadline=deadline,
        facts=facts,
        precision=_NAMES[precision],
    )


@main.command()
@click.option("--steps", default=100, help="To time.")
@precision_option
@out_option
def rehearse(steps, precision, out) -> None:
    """Time a few steps of each stack; keep nothing but the compiled programs."""
    use_cache(Folders(out))
    for line in stacks.rehearse(planned(), Folders(out), _NAMES[precision], steps):
        click.echo(line)


@main.command("precision")
@click.argument("names", nargs=-1, type=click.Choice(list(precision.PRECISIONS)))
@click.option("--steps", default=4000)
@click.option("--table", "path", type=click.Path(path_type=Path), default=HERE / "precision.csv")
@out_option
def precision_command(names, steps, path, out) -> None:
    """Repeat three bundled runs in each of the precisions NAMES."""
    use_cache(Folders(out))
    done = {row["run"]: row for row in table.read(BUNDLED)}
    bundled = {name: float(row["loss"]) for name, row in done.items() if row["loss"]}
    chosen = list(names or precision.PRECISIONS)
    for line in precision.compare(chosen, bundled, Folders(out), path, steps):
        click.echo(line)


_NAMES = precision.PRECISIONS


@main.command()
@draws_option
@click.option("--starts", default=64, show_default=True)
@click.option("--predictions", type=click.Path(path_type=Path), default=PREDICTIONS)
@click.option("--table", "path", type=click.Path(path_type=Path), default=RESULTS)
@click.option("-o", "--out", type=click.Path(path_type=Path), default=HERE, help="Folder.")
def judge(draws, starts, predictions, path, out) -> None:
    """Write results.md and results.svg: predictions beside results."""
    made, results = judgement.read(predictions), judgement.measured(path)
    parts = [
        "# Predictions beside results",
        "`python -m experiments.predictions judge` writes this page.",
    ]
    for name in TABLES:
        some = [row for row in made if row["fit"] == name]
        fits = fitted(name, draws, starts, FITS)
        lines = judgement.summary_rows(some, results)
        known = judgement.given_teachers(planned(), fits, results)
        if known:
            title = "students, from their teacher's measured loss"
            lines.append(judgement.summary_row(title, known, results))
        foreseen = {row["run"]: float(row["predicted"]) for row in some}
        winners_table = judgement.winner_rows(lambda run, f=foreseen: f[run.name], results)
        parts += [
            f"## Fitted to: {name}",
            markdown_table(judgement.SUMMARY_COLUMNS, lines),
            markdown_table(*winners_table),
            markdown_table(judgement.RUN_COLUMNS, judgement.run_rows(some, results)),
        ]
        if name == RECORD:
            picture.draw(some, results, out / "results.svg")
    seeds = judgement.seed_rows(planned(), results)
    refits = judgement.refit_rows(bundled_runs("supervised"), path, starts)
    parts += [
        "## Noise between seeds",
        markdown_table(judgement.SEED_COLUMNS, seeds),
        "\n".join(f"- {line}" for line in noise_lines(table.read(path))),
        "## The supervised law fitted again, with the new runs",
        markdown_table(judgement.REFIT_COLUMNS, refits),
    ]
    (out / "results.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
