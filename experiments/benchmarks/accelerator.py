"""`python -m experiments.benchmarks.accelerator`: plans and fits on the default device.

The measurements run in order of importance and stop when the time is up. After each row, the
program writes the JSON file and the Markdown table again. All results are compared with those of
the host's CPU. To add a measurement, add a generator of rows to `MEASUREMENTS`.
"""

import datetime
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click
import jax
import numpy as np

from fitting import Status, bundled_runs, fit, markdown_table
from jaxlaws import presets
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.planning import (
    TEACHER_PRETRAINING_AND_INFERENCE,
    compute_optimal,
    distill,
    is_solved,
)

_OPTIMAL_LAW = presets.load("besiroglu2024")
_DISTILLATION_LAW = presets.load("busbridge2025_consistent")
_CHECKED = 1_000
_REPEATS = 3
_STARTS, _DRAWS = 256, 4_096


class Row(NamedTuple):
    """One measured number, or the reason why it is missing."""

    what: str
    value: float | str
    unit: str


class Limits(NamedTuple):
    """The size of the measurements: the largest batch of plans, and the draws of a bootstrap."""

    largest: int
    draws: int


def _optimal(flops, size):
    del size
    return compute_optimal(_OPTIMAL_LAW, flops=flops)


def _distilled(flops, size):
    return distill(
        _DISTILLATION_LAW,
        flops=flops,
        num_student_params=size,
        scenario=TEACHER_PRETRAINING_AND_INFERENCE,
    )


QUESTIONS = {"compute_optimal": _optimal, "distill, teacher's costs charged": _distilled}
_SHORT = {"compute_optimal": _optimal}
_LONG = {"distill, teacher's costs charged": _distilled}


def _budgets(count: int, dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    flops, sizes = 10 ** random.uniform(19, 26, count), 10 ** random.uniform(8, 11, count)
    return flops.astype(dtype), sizes.astype(dtype)


def _on_cpu(call: Callable):
    with jax.default_device(jax.local_devices(backend="cpu")[0]):
        return call()


def _compiled(ask: Callable, given: tuple[np.ndarray, np.ndarray]):
    """Return a compiled `jit(vmap(ask))` on device arrays, and the seconds of its compilation."""
    given = tuple(map(jax.device_put, given))
    begin = time.perf_counter()
    program = jax.jit(jax.vmap(ask)).lower(*given).compile()
    seconds = time.perf_counter() - begin
    return (lambda: jax.block_until_ready(program(*given))), seconds


def _seconds(call: Callable) -> tuple[float, float]:
    """Return the seconds of the first call, and the median of further calls."""
    times = []
    for _ in range(1 + _REPEATS):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return times[0], statistics.median(times[1:])


def _agreement(what: str, plans, reference) -> Iterator[Row]:
    solved = is_solved(np.asarray(reference.status))
    off = np.abs(np.asarray(plans.loss, float) / reference.loss - 1)[solved]
    same = np.mean(np.asarray(plans.status) == reference.status)
    yield Row(f"{what}: largest relative difference of loss from the CPU's", off.max(), "")
    yield Row(f"{what}: median of that", float(np.median(off)), "")
    yield Row(f"{what}: plans of the same status", float(same), "share")


def _correct_plans(questions: dict[str, Callable]) -> Callable[[Limits], Iterator[Row]]:
    def measure(limits: Limits) -> Iterator[Row]:
        count = min(_CHECKED, limits.largest)
        flops, sizes = _budgets(count)
        for name, ask in questions.items():
            reference = _on_cpu(lambda ask=ask: ask(flops, sizes))
            begin = time.perf_counter()
            plans = ask(flops, sizes)
            yield Row(f"{name}: first call", time.perf_counter() - begin, "s")
            yield from _agreement(f"{name}, {count:,} plans, float64", plans, reference)

    return measure


def _through_the_function(questions: dict[str, Callable]) -> Callable[[Limits], Iterator[Row]]:
    def measure(limits: Limits) -> Iterator[Row]:
        for name, ask in questions.items():
            for count in _counts(limits):
                given = _budgets(count)
                _, each = _seconds(lambda ask=ask, given=given: ask(*given))
                yield Row(
                    f"{name}, the function, {count:,} plans, float64", count / each, "plans/s"
                )

    return measure


def _through_own_jit(
    questions: dict[str, Callable], dtype: type
) -> Callable[[Limits], Iterator[Row]]:
    def measure(limits: Limits) -> Iterator[Row]:
        for name, ask in questions.items():
            for count in reversed(_counts(limits)[::2]):
                what = f"{name}, jit(vmap), {count:,} plans, {np.dtype(dtype).name}"
                given = _budgets(count, dtype)
                with jax.enable_x64(dtype is np.float64):
                    call, compiling = _compiled(ask, given)
                    yield Row(f"{what}: to compile", compiling, "s")
                    _, each = _seconds(call)
                    yield Row(what, count / each, "plans/s")
                    plans = jax.device_get(call())
                first = [part[:_CHECKED] for part in _budgets(count)]
                reference = _on_cpu(lambda ask=ask, first=first: ask(*first))
                yield from _agreement(
                    what, jax.tree.map(lambda leaf: leaf[:_CHECKED], plans), reference
                )

    return measure


def _counts(limits: Limits) -> list[int]:
    return [count for count in (1_000, 10_000, 100_000, 1_000_000) if count <= limits.largest]


def _starts(limits: Limits) -> Iterator[Row]:
    runs = bundled_runs("supervised")
    first, each = _seconds(lambda: fit(Chinchilla, runs, num_starts=_STARTS))
    yield Row(f"Chinchilla, {len(runs)} runs, {_STARTS} starts: first call", first, "s")
    yield Row(f"Chinchilla, {len(runs)} runs, {_STARTS} starts", each, "s")
    here, there = (
        call()
        for call in (
            lambda: fit(Chinchilla, runs, num_starts=_STARTS),
            lambda: _on_cpu(lambda: fit(Chinchilla, runs, num_starts=_STARTS)),
        )
    )
    pairs = zip(jax.tree.leaves(here.law), jax.tree.leaves(there.law), strict=True)
    worst = max(abs(mine / theirs - 1) for mine, theirs in pairs)
    yield Row("Chinchilla: largest relative difference of a coefficient from the CPU's", worst, "")


def _bootstrap(limits: Limits) -> Iterator[Row]:
    runs = bundled_runs("supervised")
    begin = time.perf_counter()
    drawn = fit(Chinchilla, runs, num_starts=_STARTS, bootstrap=limits.draws)
    what = f"Chinchilla, {_STARTS} starts and {limits.draws:,} draws"
    yield Row(f"{what}: first call", time.perf_counter() - begin, "s")
    converged = np.mean(np.asarray(drawn.ensemble_status) <= Status.FLAT_DIRECTION)
    yield Row(f"{what}: draws that converged", float(converged), "share")
    begin = time.perf_counter()
    fit(Chinchilla, runs, num_starts=_STARTS, bootstrap=limits.draws)
    yield Row(what, time.perf_counter() - begin, "s")


MEASUREMENTS: dict[str, Callable[[Limits], Iterator[Row]]] = {
    "compute_optimal against the CPU": _correct_plans(_SHORT),
    "compute_optimal, the function": _through_the_function(_SHORT),
    "compute_optimal, jit(vmap), float64": _through_own_jit(_SHORT, np.float64),
    "compute_optimal, jit(vmap), float32": _through_own_jit(_SHORT, np.float32),
    "fit, starts": _starts,
    "distill against the CPU": _correct_plans(_LONG),
    "distill, the function": _through_the_function(_LONG),
    "fit, bootstrap": _bootstrap,
    "distill, jit(vmap), float64": _through_own_jit(_LONG, np.float64),
    "distill, jit(vmap), float32": _through_own_jit(_LONG, np.float32),
}


def facts() -> dict[str, str]:
    """Return the device and the versions of the software."""
    device = jax.devices()[0]
    return {
        "device": device.device_kind,
        "platform": device.platform,
        "host cores": str(os.cpu_count()),
        "jax": jax.__version__,
        "python": sys.version.split()[0],
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
    }


def _peak_gib() -> float | None:
    memory = jax.devices()[0].memory_stats()
    return memory["peak_bytes_in_use"] / 2**30 if memory else None


def _write(rows: list[Row], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    about = facts()
    document = about | {"rows": [row._asdict() for row in rows]}
    name = about["platform"]
    (folder / f"accelerator_{name}.json").write_text(json.dumps(document, indent=1, default=float))
    lines = [[row.what, _written(row.value), row.unit] for row in rows]
    title = ", ".join(f"{key} {value}" for key, value in about.items())
    text = f"{title}\n\n{markdown_table(['what', 'measured', 'unit'], lines)}\n"
    (folder / f"accelerator_{name}.md").write_text(text)


def _written(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


@click.command()
@click.option("--seconds", default=480.0, help="No measurement starts after this time.")
@click.option("--largest", default=1_000_000, help="Number of plans in the largest batch.")
@click.option("--draws", default=_DRAWS, help="Number of bootstrap draws.")
@click.option("--only", multiple=True, type=click.Choice(list(MEASUREMENTS)))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out/accelerator"),
    help="Output folder.",
)
def main(seconds: float, largest: int, draws: int, only: tuple[str, ...], out: Path) -> None:
    """Measure on the default device, and write a JSON file and a Markdown table."""
    begin = time.monotonic()
    rows: list[Row] = []
    for name, measure in MEASUREMENTS.items():
        if only and name not in only:
            continue
        if time.monotonic() - begin > seconds:
            rows.append(Row(name, "no time left", ""))
            continue
        try:
            for row in measure(Limits(largest, draws)):
                rows.append(row)
                click.echo(f"{time.monotonic() - begin:6.1f} s  {row.what}: {row.value} {row.unit}")
                _write(rows, out)
                if time.monotonic() - begin > seconds:
                    break
        except (RuntimeError, ValueError, TypeError, AttributeError) as error:
            rows.append(Row(name, f"{type(error).__name__}: {str(error)[:200]}", ""))
            click.echo(rows[-1].value)
        peak = _peak_gib()
        if peak is not None:
            rows.append(Row(f"peak memory after: {name}", peak, "GiB"))
        _write(rows, out)


if __name__ == "__main__":
    main()
