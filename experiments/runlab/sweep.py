"""Run a sweep over worker processes, with one row per run; an interrupted sweep can be resumed.

Each worker has one thread. The models are so small that a second thread hardly helps (README,
"Rates"), but a second process doubles the rate of a sweep.
"""

import importlib.metadata
import multiprocessing
import platform
import subprocess
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path

from experiments.runlab import plan, table
from experiments.runlab.runs import SCHEDULE, Job, Run
from experiments.runlab.worker import Folders, train_job, use_cache, use_one_thread


def run_sweep(
    jobs: list[Job], name: str, path: Path, folders: Folders, *, corpus_sha256: str, workers: int
) -> None:
    """Train the runs that are not in the table at `path`, and append their rows.

    `workers` jobs run at the same time. If the training of a job raises an error, its runs get the
    status `failed`. Students of a teacher that failed or diverged get this status too.

    Raises:
        ValueError: the table has runs on another text, with which losses cannot be compared.
    """
    rows = {row["run"]: row for row in table.read(path)}
    if others := {row["corpus_sha256"] for row in rows.values()} - {corpus_sha256}:
        raise ValueError(
            f"{path} has runs on another text (SHA-256 {sorted(others)[0][:8]}… instead of "
            f"{corpus_sha256[:8]}…). Prepare that text, or use another --table"
        )
    pending = missing(jobs, rows, folders)
    remaining = sum(plan.seconds(job) for job in pending)
    begin, finished = time.monotonic(), 0.0
    use_one_thread()  # the workers inherit it
    context = multiprocessing.get_context("spawn")
    facts = versions() | {"sweep": name, "corpus_sha256": corpus_sha256}
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=use_cache, initargs=(folders,)
    ) as pool:
        running: dict[Future, Job] = {}
        while pending or running:
            for job in [job for job in pending if _hopeless(job, rows)]:
                pending.remove(job)
                _record(path, rows, job, [_failed(run) for run in job], facts)
            while len(running) < workers and (ready := _next_ready(pending, folders)):
                pending.remove(ready)
                running[pool.submit(train_job, ready, folders)] = ready
            if not running and pending:
                raise RuntimeError(f"the teacher of {pending[0][0].name} is in no job of the sweep")
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                job = running.pop(future)
                error = future.exception()
                if error is not None:
                    print(f"{job[0].name}: {type(error).__name__}: {error}", file=sys.stderr)
                results = [_failed(run) for run in job] if error else future.result()
                _record(path, rows, job, results, facts)
                finished += plan.seconds(job)
                _progress(name, job, results, begin, finished, remaining, len(rows))


def missing(jobs: list[Job], rows: dict[str, dict], folders: Folders) -> list[Job]:
    """Return the runs that are not in the table, and needed teachers without stored parameters."""
    wanted = [tuple(run for run in job if run.name not in rows) for job in jobs]
    wanted = [job for job in wanted if job]
    needed = {run.teacher for job in wanted for run in job if run.teacher is not None}
    planned = {run for job in wanted for run in job}
    lost = [
        (run,)
        for run in sorted(needed - planned, key=lambda run: run.training_flops)
        if not folders.weights(run).exists() and rows.get(run.name, {}).get("status", "ok") == "ok"
    ]
    return lost + wanted


def _next_ready(pending: list[Job], folders: Folders) -> Job | None:
    for job in pending:
        if all(run.teacher is None or folders.weights(run.teacher).exists() for run in job):
            return job
    return None


def _hopeless(job: Job, rows: dict[str, dict]) -> bool:
    return any(
        run.teacher is not None and rows.get(run.teacher.name, {}).get("status", "ok") != "ok"
        for run in job
    )


def _failed(run: Run) -> dict:
    return {"run": run.name, "status": "failed"}


def _record(path: Path, rows: dict, job: Job, results: list[dict], facts: dict) -> None:
    """Append the rows of a job, except for a teacher that already has a row."""
    new = []
    for run, result in zip(job, results, strict=True):
        if run.name not in rows:
            row = settings(run, rows) | facts | result
            rows[run.name] = {key: str(value) for key, value in row.items()}
            new.append(row)
    if new:
        table.append(path, new)


def settings(run: Run, rows: dict[str, dict]) -> dict:
    """Return the cells of a row that are known before training."""
    shape = run.shape
    row = {
        "run": run.name,
        "kind": "supervised" if run.teacher is None else "distilled",
        "half": run.half,
        "seed": run.seed,
        "layers": shape.layers,
        "width": shape.width,
        "heads": shape.heads,
        "d_ff": shape.d_ff,
        "context": shape.context,
        "vocabulary": shape.vocabulary,
        "batch_tokens": run.batch_tokens,
        "steps": run.steps,
        "learning_rate": run.learning_rate,
        "schedule": SCHEDULE,
        "flops": f"{run.training_flops:.6g}",
        "logit_flops": f"{run.logit_flops:.6g}",
    }
    if run.teacher is None:
        return row | {"num_params": run.params, "num_tokens": run.tokens}
    return row | {
        "num_student_params": run.params,
        "num_student_tokens": run.tokens,
        "num_teacher_params": run.teacher.params,
        "num_teacher_tokens": run.teacher.tokens,
        "teacher": run.teacher.name,
        "teacher_loss": rows.get(run.teacher.name, {}).get("loss", ""),
    }


def versions(commit: str | None = None) -> dict[str, str]:
    """Return the versions of the software that made the rows.

    Args:
        commit: commit of the code, for code that is not in a git repository.
    """
    if commit is None:
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        ).stdout.strip()
    return {
        "python": platform.python_version(),
        "jax": importlib.metadata.version("jax"),
        "optax": importlib.metadata.version("optax"),
        "commit": commit,
    }


def _progress(name, job, results, begin, finished, remaining, rows) -> None:
    elapsed = time.monotonic() - begin
    left = elapsed * (remaining - finished) / max(finished, 1e-9)
    losses = ", ".join(f"{each['run']} {each.get('loss', '')}" for each in results)
    print(
        f"{time.strftime('%H:%M:%S')} {name}: {finished / remaining:.0%}, {rows} rows, "
        f"{elapsed / 60:.0f} min, about {left / 60:.0f} min left; "
        f"estimated {plan.seconds(job):.0f} s: {losses}",
        file=sys.stderr,
        flush=True,
    )
