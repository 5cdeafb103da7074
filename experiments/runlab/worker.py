"""One job in one process: train its runs together and measure them."""

import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

from experiments.runlab import corpus, training
from experiments.runlab.batches import Windows, validation_windows
from experiments.runlab.runs import Job, Run

SINGLE_THREAD = "--xla_cpu_multi_thread_eigen=false"


@dataclass(frozen=True)
class Folders:
    """The folders in which a sweep stores text, weights and compiled programs."""

    root: Path

    @property
    def corpus(self) -> Path:
        """The folder of the prepared text."""
        return self.root / "corpus"

    def weights(self, run: Run) -> Path:
        """The file with the parameters of a trained run."""
        return self.root / "weights" / f"{run.name}.npz"


def use_one_thread() -> None:
    """Make JAX use one thread. Call this before JAX computes anything in the process."""
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {SINGLE_THREAD}".strip()


def use_cache(folders: Folders) -> None:
    """Keep compiled programs on disk, because a sweep has many jobs of a few kinds."""
    jax.config.update("jax_compilation_cache_dir", str(folders.root / "compiled"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def train_job(job: Job, folders: Folders) -> list[dict]:
    """Train the runs of a job, save their parameters, and return their losses and statuses.

    A run with a loss that is not finite gets the status `diverged` and no loss.
    """
    text = corpus.load(folders.corpus).parts
    first = job[0]
    teachers = list(dict.fromkeys(run.teacher for run in job if run.teacher is not None))
    group = training.Group(
        members=tuple(
            training.Member(run.shape, None if run.teacher is None else teachers.index(run.teacher))
            for run in job
        ),
        teachers=tuple(each.shape for each in teachers),
    )
    begin = time.perf_counter()
    trained = training.train(
        group,
        tuple(load_weights(folders.weights(each)) for each in teachers),
        Windows(text[first.half], first.shape.context, first.seed),
        steps=first.steps,
        batch=first.batch,
        learning_rate=first.learning_rate,
        seed=first.seed,
    )
    wall = time.perf_counter() - begin
    held_out = validation_windows(text["validation"], first.shape.context)
    results = []
    for run, params in zip(job, trained, strict=True):
        loss = training.evaluate(params, run.shape, held_out)
        finite = math.isfinite(loss)
        if finite:
            save_weights(folders.weights(run), params)
        results.append(
            {
                "run": run.name,
                "status": "ok" if finite else "diverged",
                "loss": round(loss, 6) if finite else "",
                "wall_seconds": round(wall, 1),
                "group_size": len(job),
            }
        )
    return results


def save_weights(path: Path, params: dict) -> None:
    """Write parameters as an npz file, which is moved into place when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    flat = {
        "/".join(key.key for key in where): np.asarray(leaf)
        for where, leaf in jax.tree_util.tree_leaves_with_path(params)
    }
    with temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **flat)
    temporary.replace(path)


def load_weights(path: Path) -> dict:
    """Return the parameters from a file of `save_weights`."""
    params: dict = {}
    with np.load(path) as arrays:
        for name in arrays.files:
            *parents, last = name.split("/")
            place = params
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = arrays[name]
    return params
