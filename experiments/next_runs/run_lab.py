"""Twelve runs by `next_runs` against twelve runs of an IsoFLOP grid, trained in the run lab.

python -m experiments.next_runs.run_lab train pilot    # the runs that are known at the start
python -m experiments.next_runs.run_lab choose         # write designs.csv: two designs, equal cost
python -m experiments.next_runs.run_lab train next_runs isoflop
python -m experiments.next_runs.run_lab judge
"""

import csv
from pathlib import Path

import click
import jax.numpy as jnp
import numpy as np

from experiments.low_losses.judgement import longer, together
from experiments.runlab import corpus, table
from experiments.runlab.__main__ import TABLE as BUNDLED
from experiments.runlab.__main__ import out_option
from experiments.runlab.runs import BATCH_TOKENS, SHAPES, Job, Run
from experiments.runlab.sweep import run_sweep
from experiments.runlab.worker import Folders
from fitting import (
    FitResult,
    Huber,
    LogNormal,
    LogSquares,
    Objective,
    Runs,
    fit,
    next_runs,
    predict,
)
from fitting.data.predictions import relative_errors
from fitting.design.plan_regret import planned_size
from jaxlaws.foundations.annotations import Array
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.precision import float64

HERE = Path(__file__).parent
RUNS, DESIGNS = HERE / "runs.csv", HERE / "designs.csv"

PILOTS = [
    (16, 2000), (16, 4000), (32, 2000), (24, 2000), (24, 4000), (48, 2000), (16, 8000), (32, 4000),
]  # fmt: skip
PILOT_SEED = 3  # no bundled run has it
SEEDS = {"next_runs": 10, "isoflop": 30}  # of the first run of a design; each run has its own

PROFILES = 1e12 * np.array([0.35, 0.567, 0.918, 1.488])  # FLOPs of each run of the grid
A_PROFILE = 3  # runs, of the existing sizes nearest to the plan of the pilot runs
TOKENS = (0.9e6, 32e6)  # shorter runs do not follow the law; longer ones repeat the text
PLAN = 1e14  # FLOPs of the plan whose size is judged
_RUN_RATES = {
    run.params: run.training_flops / run.tokens
    for run in (Run(shape, 1) for shape in SHAPES.values())
}
SIZES, RATES = (np.array(list(each), float) for each in (_RUN_RATES, _RUN_RATES.values()))
PRIORS = {"E": LogNormal(0.88, factor=1.35)}  # around half of the lowest loss of a pilot run
OBJECTIVES: dict[str, Objective] = {"least squares": LogSquares(), "Huber": Huber()}


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


def cost(*, num_params: Array, num_tokens: Array) -> Array:
    """The exact FLOPs of runs of the existing sizes; interpolated between two of them."""
    return num_tokens * jnp.exp(jnp.interp(jnp.log(num_params), np.log(SIZES), np.log(RATES)))


def largest() -> Runs:
    """The quarter of the bundled supervised runs from 0.9 M symbols with the most FLOPs."""
    runs = longer(table.runs("supervised", BUNDLED), TOKENS[0])
    return runs.where(runs.column("flops") >= np.quantile(runs.column("flops"), 0.75))


def grid(pilot: FitResult[Chinchilla]) -> dict[str, np.ndarray]:
    """Sizes and tokens of an IsoFLOP grid around the plan of the pilot runs."""
    sizes, tokens = [], []
    for flops in PROFILES:
        possible = flops / RATES >= TOKENS[0]
        losses = predict(
            pilot.law, {"num_params": SIZES[possible], "num_tokens": flops / RATES[possible]}
        )
        middle = np.clip(np.argmin(losses), 1, possible.sum() - 2)
        near = slice(middle - 1, middle - 1 + A_PROFILE)
        sizes.append(SIZES[possible][near])
        tokens.append(flops / RATES[possible][near])
    return {"num_params": np.concatenate(sizes), "num_tokens": np.concatenate(tokens)}


@main.command()
def choose() -> None:
    """Write both designs from the pilot runs and the inputs of the largest runs."""
    pilots = sweep("pilot")
    pilot = fit(Chinchilla, pilots, objective=LogSquares(), priors=PRIORS)
    isoflop = grid(pilot)
    budget = float(np.sum(cost(**isoflop)))
    names = ("num_params", "num_tokens")
    found = next_runs(
        pilot,
        pilots,
        flops=budget,
        region={name: largest().inputs[name] for name in names},
        num_runs=len(isoflop["num_params"]),
        bounds={
            "num_params": (SIZES[0], SIZES[-1]),
            "num_tokens": TOKENS,
            "tokens_per_param": (TOKENS[0] / SIZES[-1], TOKENS[1] / SIZES[0]),
        },
        shapes=SIZES.tolist(),
        cost=cost,
        largest_run=float(PROFILES[-1]),
    )
    click.echo(f"{pilot!r}\n{found!r}")
    widths = dict(zip(SIZES.round().tolist(), SHAPES, strict=True))
    with DESIGNS.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["design", "width", "steps", "seed", "flops"])
        for design, inputs in (("next_runs", found.inputs), ("isoflop", isoflop)):
            for place, (size, tokens) in enumerate(zip(*inputs.values(), strict=True)):
                shape = SHAPES[widths[round(size)]]
                run = Run(shape, round(tokens / BATCH_TOKENS), seed=SEEDS[design] + place)
                flops = f"{run.training_flops:.6g}"
                writer.writerow([design, shape.width, run.steps, run.seed, flops])


def sweep(name: str) -> Runs:
    """The trained runs of a design, or the pilot runs."""
    runs = table.runs("supervised", RUNS)
    return runs.where(runs.others["sweep"] == name)


@main.command()
def judge() -> None:
    """Print the errors on the largest runs, and the planned size with its interval."""
    held_out, pilots = largest(), sweep("pilot")
    sets = {
        "pilot runs": pilots,
        **{name: together(pilots, sweep(name)) for name in SEEDS},
        "bundled runs": longer(table.runs("supervised", BUNDLED), TOKENS[0]),
    }
    size = planned_size(PLAN)
    for title, objective in OBJECTIVES.items():
        for name, runs in sets.items():
            result = fit(Chinchilla, runs, objective=objective, priors=PRIORS, bootstrap=500)
            errors = relative_errors(predict(result.law, held_out.inputs), held_out)
            with float64():
                middle, ends = float(size(result.law)), result.interval_of(size)
            low, high = np.exp(ends)
            click.echo(
                f"{title}, {name}: {len(runs)} runs, {runs.column('flops').sum():.3g} FLOPs, mean "
                f"error {np.abs(errors).mean():.2f}%, bias {errors.mean():+.2f}%, worst "
                f"{np.abs(errors).max():.2f}%; size at {PLAN:.0e} FLOPs {np.exp(middle):.3g} "
                f"({low:.3g} to {high:.3g}, a factor of {high / low:.2f})"
            )


if __name__ == "__main__":
    main()
