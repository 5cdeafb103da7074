"""`python -m experiments.low_losses`: train the runs, and judge the law with and without them."""

from pathlib import Path

import click

from experiments.hold_outs import limit_form
from experiments.hold_outs.__main__ import COLUMNS
from experiments.low_losses import foreseen, judgement, plan, students
from experiments.predictions.judgement import measured
from experiments.runlab import corpus, table
from experiments.runlab.__main__ import out_option
from experiments.runlab.summary import noise_lines
from experiments.runlab.sweep import run_sweep
from experiments.runlab.worker import Folders
from fitting import markdown_table

table_option = click.option(
    "--table",
    "path",
    type=click.Path(path_type=Path),
    default=plan.RUNS,
    help="The CSV table of runs.",
)


@click.group()
def main() -> None:
    """Train runs with other batches and learning rates, and judge the law at low losses."""


@main.command()
@click.option("--draws", default=100, show_default=True, help="Of the bootstrap.")
@click.option("--starts", default=16, show_default=True, help="Number of starts of each fit.")
@table_option
def predict(draws: int, starts: int, path: Path) -> None:
    """Add the predicted losses of the planned runs that the table lacks to predictions.csv."""
    foreseen.append(foreseen.predict(path, draws, starts))


@main.command()
@click.option("--starts", default=16, show_default=True, help="Number of starts of the fits.")
@table_option
def choose(starts: int, path: Path) -> None:
    """Write chosen.csv: the students that `next_runs` chooses."""
    table.write(plan.CHOSEN, foreseen.CHOICE_COLUMNS, foreseen.choose(path, starts))


@main.command()
@click.option("--workers", default=1, show_default=True, help="Processes with one thread each.")
@table_option
@out_option
def train(workers: int, path: Path, out: Path) -> None:
    """Train the planned runs that the table lacks."""
    folders = Folders(out)
    sha256 = corpus.load(folders.corpus).facts["sha256"]
    run_sweep(plan.jobs(), "low_losses", path, folders, corpus_sha256=sha256, workers=workers)


@main.command()
@click.option("--starts", default=32, show_default=True, help="Of each fit of the supervised law.")
@table_option
def judge(starts: int, path: Path) -> None:
    """Write results.md: the runs, and the errors of the law fitted to parts of the tables."""
    tables = judgement.Tables.read(path)
    parts = [
        "# Low losses: runs and errors",
        "`python -m experiments.low_losses judge` writes this page.",
        "## Other batches and learning rates",
        markdown_table(judgement.BATCH_COLUMNS, judgement.batch_rows(tables, starts)),
        "## Predictions beside results",
        markdown_table(foreseen.JUDGED_COLUMNS, foreseen.judged(measured(path))),
        "\n".join(f"- {line}" for line in noise_lines(table.read(path))),
    ]
    for title, some in (
        ("One cause at a time", judgement.cases(tables)),
        ("The shortest run of the fit", judgement.lengths(tables)),
    ):
        lines = [judgement.case_row(case, tables, starts) for case in some]
        parts += [f"## {title}", markdown_table(judgement.CASE_COLUMNS, lines)]
    lines = judgement.together_rows(tables, starts)
    parts += ["## Both tables together", markdown_table(judgement.TOGETHER_COLUMNS, lines)]
    _write("results", parts)


@main.command("students")
@click.option("--draws", default=48, show_default=True, help="Of the bootstrap.")
@click.option("--starts", default=8, show_default=True, help="Number of starts of each fit.")
@table_option
def students_command(draws: int, starts: int, path: Path) -> None:
    """Write students.md: the distillation law with and without short students."""
    sets = students.known(path)
    found = students.fits(sets, draws, starts)
    parts = [
        "# Short students: what the distillation law is fitted to",
        "`python -m experiments.low_losses students` writes this page.",
        "## Fits",
        markdown_table(limit_form.FIT_COLUMNS, limit_form.fit_rows(found, draws)),
        "## Coefficients, and the decades of their 90% intervals",
        limit_form.coefficient_table(found),
        "## Hold-outs",
        markdown_table(["fitted to", *COLUMNS], students.held_out_rows(sets, starts)),
    ]
    _write("students", parts)


def _write(name: str, parts: list[str]) -> None:
    text = "\n\n".join(parts) + "\n"
    (plan.HERE / f"{name}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
