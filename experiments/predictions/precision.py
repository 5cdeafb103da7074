"""Do other precisions of matrix products change a run's loss by more than its seed does?"""

import csv
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from experiments.predictions.plan import Stack, run
from experiments.predictions.stacks import Programs, held_out_loss, train_stack
from experiments.runlab import corpus
from experiments.runlab.worker import Folders

# Names of `jax.default_matmul_precision`; on a GPU the default is TF32.
PRECISIONS = {"float32": "highest", "TF32": "default", "bfloat16": "BF16_BF16_F32"}
COLUMNS = ["precision", "run", "loss", "bundled_loss"]


def compare(
    names: list[str], bundled: dict[str, float], folders: Folders, path: Path, steps: int
) -> Iterator[str]:
    """Repeat bundled runs of width 64 in each precision; the rows are written as they come.

    Args:
        names: keys of `PRECISIONS`.
        bundled: losses of the bundled runs, trained on CPUs in float32, by name.
        folders: where the text lies.
        path: the table.
        steps: length of the runs; three of 4,000 steps are bundled.
    """
    text = {name: np.array(part) for name, part in corpus.load(folders.corpus).parts.items()}
    stack = Stack("precision", tuple(run(64, steps, seed=seed) for seed in range(3)))
    programs = {name: Programs(PRECISIONS[name]) for name in names}
    for each in programs.values():
        each.prepare(stack.group, len(stack.runs))
    rows = []
    for name in names:
        trained = train_stack(stack.runs, stack.group, {}, text, programs[name], math.inf)
        for each, params, seconds in trained:
            loss = held_out_loss(params, each, text)
            before = bundled.get(each.name, math.nan)
            rows.append([name, each.name, f"{loss:.6f}", f"{before:.6f}"])
            with path.open("w", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
            yield f"{name} {each.name}: {loss:.6f}, bundled {before:.6f}, {seconds:.1f} s"
