"""`python -m experiments.runlab`: prepare the text, print a plan, run a sweep, repeat a run."""

from pathlib import Path

import click

from experiments.runlab import corpus, plan, practice, table
from experiments.runlab.rates import report
from experiments.runlab.runs import SHAPES, from_row
from experiments.runlab.summary import summarise
from experiments.runlab.sweep import missing, run_sweep
from experiments.runlab.worker import Folders, train_job, use_cache, use_one_thread

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "fitting" / "bundled" / "runs.csv"
OUT = ROOT / "out" / "runlab"
RATES = ROOT / "experiments" / "runlab" / "learning_rates.csv"
PRACTICE = ROOT / "experiments" / "runlab" / "practice.csv"

out_option = click.option(
    "--out", type=click.Path(path_type=Path), default=OUT, help="Text, weights, compiled programs."
)
table_option = click.option(
    "--table", "path", type=click.Path(path_type=Path), default=TABLE, help="The table of runs."
)


@click.group()
def main():
    """Train and distil small language models, and keep their losses in one table."""


@main.command()
@click.option("--source", type=click.Path(path_type=Path, exists=True), help="Text of your own.")
@click.option("--held-out", default=corpus.HELD_OUT_SYMBOLS, help="Validation symbols.")
@out_option
def prepare(source, held_out, out):
    """Fetch the text (or take SOURCE: a source package, a tarball, a folder) and lay it down."""
    source = source or corpus.fetch(out / "source")
    click.echo(corpus.prepare(source, out / "corpus", held_out=held_out).facts)


@main.command()
@click.argument("names", nargs=-1, type=click.Choice(sorted(plan.SWEEPS)), required=True)
@click.option("--workers", default=2, help="Processes; each has one thread.")
@click.option("--dry-run", is_flag=True, help="Print the plan and its cost, and stop.")
@table_option
@out_option
def sweep(names, workers, dry_run, path, out):
    """Train the runs of the sweeps NAMES that the table lacks, one sweep after the other."""
    folders = Folders(out)
    if "smoke" in names and path == TABLE:
        raise click.UsageError("the smoke sweep means nothing: give it a --table of its own")
    for name in names:
        jobs = plan.SWEEPS[name]()
        rows = {row["run"]: row for row in table.read(path)}
        describe(name, jobs, missing(jobs, rows, folders), workers)
        if not dry_run:
            sha256 = corpus.load(folders.corpus).facts["sha256"]
            try:
                run_sweep(jobs, name, path, folders, corpus_sha256=sha256, workers=workers)
            except ValueError as error:
                raise click.UsageError(str(error)) from None


def describe(name, jobs, to_do, workers):
    """Print what a sweep has, and what is still to do."""
    runs = [run for job in jobs for run in job]
    distilled = sum(run.teacher is not None for run in runs)
    cost = sum(plan.seconds(job) for job in to_do)
    click.echo(
        f"{name}: {len(runs) - distilled} supervised and {distilled} distilled runs; "
        f"{sum(len(job) for job in to_do)} to do, about {cost / 60 / workers:.0f} minutes "
        f"of {workers} quiet cores",
        err=True,
    )
    for job in to_do:
        names = ", ".join(run.name for run in job)
        click.echo(f"  {plan.seconds(job):6.0f} s  {names}", err=True)


@main.command()
@click.option("--workers", default=2, help="Processes; each has one thread.")
@out_option
def learning_rate(workers, out):
    """Train two widths at a third, once and three times the learning rate.

    These runs have a table of their own, because a law is fitted to runs at the rate chosen.
    """
    folders = Folders(out)
    jobs = plan.learning_rate()
    sha256 = corpus.load(folders.corpus).facts["sha256"]
    run_sweep(jobs, "learning_rate", RATES, folders, corpus_sha256=sha256, workers=workers)


@main.command("practice")
@click.option("--width", default=24, type=click.Choice(list(SHAPES)), help="Of the students.")
@click.option("--steps", default=1000, help="Of the students.")
@click.option("--table", "path", type=click.Path(path_type=Path), default=PRACTICE)
@out_option
def practice_command(width, steps, path, out):
    """Change one setting of distillation at a time, and measure the students' calibration.

    Trains what the table lacks, on one thread; teachers whose parameters are gone are trained
    again first.
    """
    use_one_thread()
    use_cache(Folders(out))
    planned = practice.lessons(plan.PRACTICE_TEACHERS, width, steps)
    click.echo(f"{len(planned)} students", err=True)
    for row in practice.practise(planned, path, Folders(out)):
        click.echo(", ".join(f"{name} {cell}" for name, cell in row.items()))


@main.command()
@click.argument("name")
@table_option
@out_option
def retrain(name, path, out):
    """Train the run NAME again from the settings in its row, and compare the losses.

    Its teacher is trained again too where its parameters are not at hand. Nothing is written to
    the table.
    """
    rows = {row["run"]: row for row in table.read(path)}
    if name not in rows:
        raise click.UsageError(f"{path} has no run {name!r}")
    folders = Folders(out)
    use_one_thread()  # as in the sweep: the same program, and the same rounding
    use_cache(folders)
    run = from_row(name, rows)
    if run.teacher is not None and not folders.weights(run.teacher).exists():
        again(run.teacher, rows, folders)
    again(run, rows, folders)


def again(run, rows, folders):
    """Train one run; say what its row says and what came out now."""
    (result,) = train_job((run,), folders)
    before, now = rows[run.name]["loss"], result["loss"]
    difference = f"{float(now) - float(before):+.6f}" if before and now != "" else "undefined"
    click.echo(f"{run.name}: {before} in the table, {now} now, difference {difference}")


@main.command()
@table_option
def summary(path):
    """Say what the table holds, and how far runs that differ in their seed alone differ."""
    for line in summarise(table.read(path)):
        click.echo(line)


@main.command()
def rates():
    """Time training beside plain matrix products of the same shapes, on one thread."""
    use_one_thread()
    for line in report(SHAPES):
        click.echo(line)


if __name__ == "__main__":
    main()
