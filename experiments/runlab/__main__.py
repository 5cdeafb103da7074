"""`python -m experiments.runlab`: prepare the text, run sweeps, and repeat single runs."""

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
    "--out",
    type=click.Path(path_type=Path),
    default=OUT,
    help="Folder for the text, the weights and the compiled programs.",
)
table_option = click.option(
    "--table", "path", type=click.Path(path_type=Path), default=TABLE, help="The CSV table of runs."
)


@click.group()
def main():
    """Train and distil small language models, and store their losses in one table."""


@main.command()
@click.option(
    "--source",
    type=click.Path(path_type=Path, exists=True),
    help="Your own text: a source package, a tarball, or a folder.",
)
@click.option("--held-out", default=corpus.HELD_OUT_SYMBOLS, help="Number of validation symbols.")
@out_option
def prepare(source, held_out, out):
    """Download the text, or take it from --source, and write the prepared corpus."""
    source = source or corpus.fetch(out / "source")
    click.echo(corpus.prepare(source, out / "corpus", held_out=held_out).facts)


@main.command()
@click.argument("names", nargs=-1, type=click.Choice(sorted(plan.SWEEPS)), required=True)
@click.option("--workers", default=2, help="Number of worker processes; each has one thread.")
@click.option(
    "--dry-run", is_flag=True, help="Print the plan and its estimated cost, and train nothing."
)
@table_option
@out_option
def sweep(names, workers, dry_run, path, out):
    """Train the runs of the sweeps NAMES that are not in the table, one sweep after the other."""
    folders = Folders(out)
    if "smoke" in names and path == TABLE:
        raise click.UsageError(
            "the results of the smoke sweep have no meaning; write them to another --table"
        )
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
    """Print the number of runs in a sweep, and the runs still to be trained."""
    runs = [run for job in jobs for run in job]
    distilled = sum(run.teacher is not None for run in runs)
    cost = sum(plan.seconds(job) for job in to_do)
    click.echo(
        f"{name}: {len(runs) - distilled} supervised and {distilled} distilled runs; "
        f"{sum(len(job) for job in to_do)} to do, about {cost / 60 / workers:.0f} minutes "
        f"of {workers} idle cores",
        err=True,
    )
    for job in to_do:
        names = ", ".join(run.name for run in job)
        click.echo(f"  {plan.seconds(job):6.0f} s  {names}", err=True)


@main.command()
@click.option("--workers", default=2, help="Number of worker processes; each has one thread.")
@out_option
def learning_rate(workers, out):
    """Train two widths at one third, one and three times the learning rate.

    These runs have a separate table, because laws are fitted to runs at a single learning rate.
    """
    folders = Folders(out)
    jobs = plan.learning_rate()
    sha256 = corpus.load(folders.corpus).facts["sha256"]
    run_sweep(jobs, "learning_rate", RATES, folders, corpus_sha256=sha256, workers=workers)


@main.command("practice")
@click.option("--width", default=24, type=click.Choice(list(SHAPES)), help="Width of the students.")
@click.option("--steps", default=1000, help="Training steps of the students.")
@click.option("--table", "path", type=click.Path(path_type=Path), default=PRACTICE)
@out_option
def practice_command(width, steps, path, out):
    """Change one setting of distillation at a time, and measure the students' calibration.

    The command trains the students that are not in the table, on one thread. It first trains the
    teachers again whose parameters are missing.
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
    """Train the run NAME again with the settings in its row, and compare the losses.

    If the parameters of its teacher are missing, the teacher is trained again too. The table does
    not change.
    """
    rows = {row["run"]: row for row in table.read(path)}
    if name not in rows:
        raise click.UsageError(f"{path} has no run named {name!r}")
    folders = Folders(out)
    use_one_thread()  # as in the sweep, so that the program and its rounding are the same
    use_cache(folders)
    run = from_row(name, rows)
    if run.teacher is not None and not folders.weights(run.teacher).exists():
        again(run.teacher, rows, folders)
    again(run, rows, folders)


def again(run, rows, folders):
    """Train one run; print the loss in the table, the new loss, and the difference."""
    (result,) = train_job((run,), folders)
    before, now = rows[run.name]["loss"], result["loss"]
    difference = f"{float(now) - float(before):+.6f}" if before and now != "" else "undefined"
    click.echo(f"{run.name}: {before} in the table, {now} now, difference {difference}")


@main.command()
@table_option
def summary(path):
    """Describe the table, and the noise between runs that differ only in their seed."""
    for line in summarise(table.read(path)):
        click.echo(line)


@main.command()
def rates():
    """Measure the speed of training and of matrix products of the same shapes, on one thread."""
    use_one_thread()
    for line in report(SHAPES):
        click.echo(line)


if __name__ == "__main__":
    main()
