"""The choice of runs from a pool on ScaleBench (Li et al. 2026, arXiv 2604.22753).

    python -m experiments.benchmarks.next_runs FOLDER TASK

FOLDER is that of `scalebench`. Nothing is known at first; runs are bought until the cost reaches
each of three shares of the cost of all runs. Then the law is fitted to the losses of these runs by
least squares with a prior (`fit_pool`), and predicts the test runs. The command prints the R
squared, clipped to [-1, 1], for each law, and the mean beside published means. In each repetition
the costs that the choice sees differ by up to 5%, and the starts of the fits are others.
"""

import csv
import time
from pathlib import Path

import click
import jax
import numpy as np

from experiments.benchmarks.scalebench import law_of, r_squared, tables
from fitting import Squares, choose_runs, fit_pool
from jaxlaws.foundations.law import Law

SHARES = {"sparsity": (0.2, 0.35, 0.5)}
# Li et al. 2026, table 2: the best of their methods, D- and V-optimal designs, and their spread.
PUBLISHED = {
    "farseer": ("0.67, 0.88 ± 0.02, 0.93 ± 0.00"),
    "moe": ("0.67, 0.80, 0.83 ± 0.07"),
    "data_con": ("0.73 ± 0.37, 0.85 ± 0.16, 0.86 ± 0.11"),
    "sparsity": ("0.31 ± 0.39, 0.44 ± 0.17, 0.53 ± 0.08"),
}
_BATCH = 0.1  # runs that are bought before the next choice, as a share of those bought


def costs_of(folder: Path, task: str) -> dict[str, np.ndarray]:
    """The costs of the training runs of each group."""
    with (folder / f"{task}_train.csv").open() as file:
        rows = list(csv.DictReader(file))

    def column(name: str) -> np.ndarray:
        return np.array([float(row[name]) for row in rows])

    if task == "farseer":
        costs = 6 * column("N") * column("D")
    elif task == "moe":
        costs = column("num_experts") * column("dense_parameter_count")
    elif task == "data_con":
        costs = 6 * column("params") * column("tokens")
    else:
        costs = 6 * (column("N_dense") * column("D1") + column("N_active") * column("D2"))
    groups = np.array([row["group"] for row in rows])
    return {group: costs[groups == group] for group in dict.fromkeys(groups)}


def predictions_at_checkpoints(
    law: type[Law],
    train: dict[str, np.ndarray],
    test: dict[str, np.ndarray],
    costs: np.ndarray,
    shares: tuple[float, ...],
    seed: int,
) -> tuple[list[np.ndarray], list[int], float]:
    """Predictions and number of runs at each checkpoint, and the seconds of the choices."""
    seen = costs * np.random.default_rng(seed).uniform(0.95, 1.05, size=len(costs))
    candidates, region = (
        {name: table[name] for name in law.input_names} for table in (train, test)
    )
    bought, found, counts, seconds = np.zeros(len(costs), bool), [], [], 0.0
    for share in shares:
        while True:
            left = share * costs.sum() - costs[bought].sum()
            losses = np.where(bought, train["loss"], np.nan)
            begin = time.perf_counter()
            chosen = choose_runs(
                law,
                candidates,
                losses,
                seen,
                region=region,
                budget=left,
                objective=Squares(),
                seed=seed,
            )
            seconds += time.perf_counter() - begin
            few = chosen[: max(1, int(_BATCH * bought.sum()))]
            few = few[np.cumsum(costs[few]) <= left]
            if not len(few):
                break
            bought[few] = True
        losses = np.where(bought, train["loss"], np.nan)
        if bought.any():
            end = fit_pool(law, candidates, losses, region=region, objective=Squares(), seed=seed)
            found.append(np.asarray(end.loss(**region)))
        else:
            found.append(np.full(len(test["loss"]), np.nan))
        counts.append(int(bought.sum()))
    return found, counts, seconds


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("task", type=click.Choice(list(PUBLISHED)))
@click.option("--laws", "most", type=int, help="The first laws only. Default: all.")
@click.option("--repetitions", default=1, show_default=True)
def main(folder: Path, task: str, most: int | None, repetitions: int) -> None:
    """Print a row for each law and repetition, and the mean."""
    jax.config.update("jax_enable_x64", True)  # coefficients of few runs can exceed float32
    train, test, costs = (
        tables(folder, task, "train"),
        tables(folder, task, "test"),
        costs_of(folder, task),
    )
    observed = np.concatenate([test[group]["loss"] for group in train])
    with (folder / f"{task}_laws.csv").open() as file:
        laws = [law_of(task, row) for row in csv.DictReader(file)][:most]
    scores = []
    for law in laws:
        for seed in range(repetitions):
            parts = [
                predictions_at_checkpoints(
                    law,
                    train[group],
                    test[group],
                    costs[group],
                    SHARES.get(task, (0.01, 0.05, 0.1)),
                    seed,
                )
                for group in train
            ]
            predicted = [np.concatenate(each) for each in zip(*(p[0] for p in parts), strict=True)]
            scores.append([r_squared(np.nan_to_num(each), observed) for each in predicted])
            counts = np.sum([part[1] for part in parts], axis=0)
            print(
                f"{law.__name__:16} {seed}  R2 {np.round(scores[-1], 3)}  runs {counts}  choices "
                f"{sum(part[2] for part in parts):.1f} s",
                flush=True,
            )
    print(f"{task}: mean {np.round(np.mean(scores, axis=0), 3)}, published {PUBLISHED[task]}")


if __name__ == "__main__":
    main()
