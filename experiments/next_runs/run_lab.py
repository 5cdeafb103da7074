"""Twelve runs by `next_runs` against twelve runs of an IsoFLOP grid, trained in the run lab.

python -m experiments.next_runs.run_lab train pilot    # the runs that are known at the start
python -m experiments.next_runs.run_lab choose         # write designs.csv: two designs, equal cost
python -m experiments.next_runs.run_lab train next_runs isoflop
python -m experiments.next_runs.run_lab judge
"""

import csv
from pathlib import Path

import click

from experiments.runlab import corpus
from experiments.runlab.__main__ import out_option
from experiments.runlab.runs import SHAPES, Job, Run
from experiments.runlab.sweep import run_sweep
from experiments.runlab.worker import Folders

HERE = Path(__file__).parent
RUNS, DESIGNS = HERE / "runs.csv", HERE / "designs.csv"

PILOTS = [
    (16, 2000), (16, 4000), (32, 2000), (24, 2000), (24, 4000), (48, 2000), (16, 8000), (32, 4000),
]  # fmt: skip
PILOT_SEED = 3  # no bundled run has it


@click.group()
def main() -> None:
    """Choose two designs of equal cost, train their runs, and judge both on the largest runs."""


def jobs(design: str) -> list[Job]:
    """The runs of a design, or the pilot runs."""
    if design == "pilot":
        return [(Run(SHAPES[width], steps, seed=PILOT_SEED),) for width, steps in PILOTS]
    with DESIGNS.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["design"] == design]
    return [
        (Run(SHAPES[int(row["width"])], int(row["steps"]), seed=int(row["seed"])),) for row in rows
    ]


@main.command()
@click.argument("designs", nargs=-1, required=True)
@out_option
def train(designs: tuple[str, ...], out: Path) -> None:
    """Train the runs of the DESIGNS that the table lacks, in one process."""
    folders = Folders(out)
    sha256 = corpus.load(folders.corpus).facts["sha256"]
    for name in designs:
        run_sweep(jobs(name), name, RUNS, folders, corpus_sha256=sha256, workers=1)


if __name__ == "__main__":
    main()
