"""Fits of the laws of ScaleBench (Li et al. 2026, arXiv 2604.22753) to all of its training runs.

    python -m experiments.benchmarks.scalebench FOLDER [TASK ...]

FOLDER has, for each task, the laws as formulas, the training runs and the test runs. For each law
the command prints the R squared on the test runs, the objective, the status and the seconds of the
first and of a second fit. It compares the second fit with 64 runs of SciPy's L-BFGS-B.
"""

import csv
import dataclasses
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import minimize

from experiments.benchmarks.any_law.formulas import SYMBOLS, law_type
from fitting import Runs, Squares, fit
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.law import Law

# The columns of each task, and its outcome.
COLUMNS = {
    "farseer": {"N": "N", "D": "D"},
    "moe": {"E_": "num_experts", "N": "dense_parameter_count"},
    "data_con": {"U": "unique_tokens", "N": "params", "D": "tokens"},
    "sparsity": {"P": "P", "N": "N_active"},
}
OUTCOMES = {"moe": "loss_validation"}


def law_of(task: str, row: dict[str, str]) -> type[Law]:
    """The class of the law in a row of the table of laws."""
    return law_type(f"{task}_{row['law']}", row["inputs"], row["coefficients"], row["formula"])


def tables(folder: Path, task: str, part: str) -> dict[str, dict[str, np.ndarray]]:
    """The columns of each group of runs."""
    with (folder / f"{task}_{part}.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = {SYMBOLS[symbol][0]: column for symbol, column in COLUMNS[task].items()}
    names["loss"] = OUTCOMES.get(task, "loss")
    return {
        group: {
            name: np.array([float(row[column]) for row in rows if row["group"] == group])
            for name, column in names.items()
        }
        for group in dict.fromkeys(row["group"] for row in rows)
    }


def r_squared(predicted: np.ndarray, observed: np.ndarray) -> float:
    """The coefficient of determination, at least -1."""
    total = np.sum(np.square(observed - observed.mean()))
    return max(-1.0, float(1 - np.sum(np.square(predicted - observed)) / total))


def seconds_of_scipy(law: type[Law], table: dict[str, np.ndarray]) -> float:
    """The seconds of 64 runs of L-BFGS-B from random points, with compiled gradients."""
    names = [field.name for field in dataclasses.fields(law)]  # pyright: ignore[reportArgumentType]
    inputs = {name: jnp.asarray(table[name]) for name in law.input_names}

    @jax.jit
    def value_and_slope(vector: Array) -> tuple[Array, Array]:
        def cost(vector: Array) -> Array:
            predicted = law(**dict(zip(names, vector, strict=True))).loss(**inputs)
            return 0.5 * jnp.sum(jnp.square(predicted - table["loss"]))

        return jax.value_and_grad(cost)(vector)

    def finite(vector: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = (np.asarray(each) for each in value_and_slope(vector))
        ok = np.isfinite(value) and np.isfinite(slope).all()
        return (float(value), slope) if ok else (1e30, np.zeros(len(vector)))

    random = np.random.default_rng(0)
    with jax.enable_x64(True):
        finite(np.ones(len(names)))
        start = time.perf_counter()
        for _ in range(64):
            minimize(finite, random.normal(size=len(names)), jac=True, method="L-BFGS-B")
        return time.perf_counter() - start


def main() -> None:
    """Print a row for each law of each task."""
    folder, tasks = Path(sys.argv[1]), sys.argv[2:] or list(COLUMNS)
    for task in tasks:
        train, test = tables(folder, task, "train"), tables(folder, task, "test")
        observed = np.concatenate([table["loss"] for table in test.values()])
        scores = []
        with (folder / f"{task}_laws.csv").open() as file:
            laws = [law_of(task, row) for row in csv.DictReader(file)]
        for law in laws:
            predicted, ended, first, second = [], [], 0.0, 0.0
            for group, table in train.items():
                runs = Runs.read(table, law_type=law)
                begin = time.perf_counter()
                result = fit(law, runs, objective=Squares())
                between = time.perf_counter()
                fit(law, runs, objective=Squares())
                first, second = first + between - begin, second + time.perf_counter() - between
                inputs = {name: test[group][name] for name in law.input_names}
                predicted.append(np.asarray(result.law.loss(**inputs)))
                ended.append(
                    f"{result.status.name} {result.objective:.6g} ({result.starts_agreeing:.0%})"
                )
            scores.append(r_squared(np.concatenate(predicted), observed))
            ratio = second / sum(seconds_of_scipy(law, table) for table in train.values())
            print(
                f"{law.__name__:16} R2 {scores[-1]:7.4f}  first {first:5.1f} s  second "
                f"{second:5.2f} s = {ratio:5.2f} of 64 L-BFGS-B  {'; '.join(ended)}",
                flush=True,
            )
        print(f"{task:16} R2 {np.mean(scores):7.4f}  mean of {len(scores)} laws", flush=True)


if __name__ == "__main__":
    main()
