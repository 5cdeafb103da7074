"""`python -m experiments.low_losses`: train the runs."""

from pathlib import Path

import click

from experiments.low_losses import plan
from experiments.runlab import corpus
from experiments.runlab.__main__ import out_option
from experiments.runlab.sweep import run_sweep
from experiments.runlab.worker import Folders

RUNS = Path(__file__).parent / "runs.csv"


@click.group()
def main() -> None:
    """Train runs with other batches and learning rates, and judge the law at low losses."""


@main.command()
@click.option("--workers", default=1, show_default=True, help="Processes with one thread each.")
@click.option("--table", "path", type=click.Path(path_type=Path), default=RUNS)
@out_option
def train(workers: int, path: Path, out: Path) -> None:
    """Train the planned runs that the table lacks."""
    folders = Folders(out)
    sha256 = corpus.load(folders.corpus).facts["sha256"]
    run_sweep(plan.jobs(), "low_losses", path, folders, corpus_sha256=sha256, workers=workers)


if __name__ == "__main__":
    main()
