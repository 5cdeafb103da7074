"""What is measured on the default device: a generator of rows for each measurement.

The measurements are in order of importance: first whether the numbers are right, then what was not
measured before, then the rest, and last the same on the host's CPU. To add one, add a generator of
rows to `_ON_DEVICE`.
"""

import functools
import time
from collections.abc import Callable, Iterator

import jax
import numpy as np

from experiments.benchmarks.accelerator.fits import bootstrap, starts
from experiments.benchmarks.accelerator.rows import LONGEST_CALL, Limits, Row, on_cpu, seconds_of
from jaxlaws import presets
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.laws.distillation_limit import DistillationLimit
from jaxlaws.planning import (
    TEACHER_PRETRAINING_AND_INFERENCE,
    compute_optimal,
    distill,
    is_solved,
    num_draws,
    over_draws,
)

_OPTIMAL_LAW = presets.load("besiroglu2024")
_DISTILLATION_LAW = presets.load("busbridge2025_consistent")
_CHECKED = 1_000
_LARGEST_ON_HOST = 100_000
_OF_BFGS = 10_000  # plans; every iteration of a batch costs as much as its slowest entry


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


_TYPICAL = {
    "num_params": 1e9,
    "num_tokens": 2e10,
    "num_student_params": 1e9,
    "num_student_tokens": 1e11,
    "teacher_loss": 2.1,
    "num_unique_tokens": 1e10,
}
QUESTIONS = {"compute_optimal": _optimal, "distill, teacher's costs charged": _distilled}
_SHORT = {"compute_optimal": _optimal}
_LONG = {"distill, teacher's costs charged": _distilled}


def _budgets(count: int, dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    flops, sizes = 10 ** random.uniform(19, 26, count), 10 ** random.uniform(8, 11, count)
    return flops.astype(dtype), sizes.astype(dtype)


def _compiled(ask: Callable, given: tuple[np.ndarray, np.ndarray]):
    """Return a compiled `jit(vmap(ask))` on device arrays, and the seconds of its compilation."""
    given = tuple(map(jax.device_put, given))
    begin = time.perf_counter()
    program = jax.jit(jax.vmap(ask)).lower(*given).compile()
    seconds = time.perf_counter() - begin
    return (lambda: jax.block_until_ready(program(*given))), seconds


def _laws(limits: Limits) -> Iterator[Row]:
    """The losses of all published laws, as the device computes them."""
    del limits
    laws = {name: presets.load(name) for name in presets.names()}
    known = {name: law for name, law in laws.items() if set(law.input_names) <= set(_TYPICAL)}

    def losses() -> np.ndarray:
        with jax.enable_x64(True):
            loss = jax.jit(lambda law: law.loss(**{n: _TYPICAL[n] for n in law.input_names}))
            return np.array([loss(jax.device_put(law)) for law in known.values()])

    off = np.abs(losses() / on_cpu(losses) - 1).max()
    yield Row(f"losses of {len(known)} presets: largest relative difference from the CPU's", off)
    others = ", ".join(sorted(set(laws) - set(known)))
    yield Row("losses of other presets", f"not compared: {others or 'there are none'}")


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
            reference = on_cpu(lambda ask=ask: ask(flops, sizes))
            begin = time.perf_counter()
            plans = ask(flops, sizes)
            yield Row(f"{name}: first call", time.perf_counter() - begin, "s")
            yield from _agreement(f"{name}, {count:,} plans, float64", plans, reference)

    return measure


def _through_the_function(questions: dict[str, Callable]) -> Callable[[Limits], Iterator[Row]]:
    def measure(limits: Limits) -> Iterator[Row]:
        for name, ask in questions.items():
            rate = np.inf
            for count in _counts(limits):
                what = f"{name}, the function, {count:,} plans, float64"
                if count / rate > LONGEST_CALL:
                    yield Row(what, f"left out: a call would take {count / rate:.0f} s")
                    continue
                given = _budgets(count)
                _, each = seconds_of(lambda ask=ask, given=given: ask(*given))
                rate = count / each
                yield Row(what, rate, "plans/s")

    return measure


def _through_own_jit(
    questions: dict[str, Callable], dtype: type
) -> Callable[[Limits], Iterator[Row]]:
    def measure(limits: Limits) -> Iterator[Row]:
        for name, ask in questions.items():
            for count in _counts_of_own_jit(limits):
                what = f"{name}, jit(vmap), {count:,} plans, {np.dtype(dtype).name}"
                given = _budgets(count, dtype)
                with jax.enable_x64(dtype is np.float64):
                    call, compiling = _compiled(ask, given)
                    yield Row(f"{what}: to compile", compiling, "s")
                    _, each = seconds_of(call)
                    yield Row(what, count / each, "plans/s")
                    plans = jax.device_get(call())
                first = [part[:_CHECKED] for part in _budgets(count)]
                reference = on_cpu(lambda ask=ask, first=first: ask(*first))
                yield from _agreement(
                    what, jax.tree.map(lambda leaf: leaf[:_CHECKED], plans), reference
                )

    return measure


def _counts(limits: Limits) -> list[int]:
    counts = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
    return [count for count in counts if count <= limits.largest]


def _counts_of_own_jit(limits: Limits) -> list[int]:
    """A million first; each count is compiled anew."""
    counts = (1_000_000, 100_000, 1_000, 10_000_000)
    return [count for count in counts if count <= limits.largest]


def _draws_and_budgets(limits: Limits) -> Iterator[Row]:
    draws = presets.ensemble("busbridge2025_refit")
    count = max(1, min(limits.largest, 1_000_000) // num_draws(draws))
    inputs = {"flops": np.geomspace(1e20, 1e25, count), "num_student_params": 1e9}
    begin = time.perf_counter()
    here = over_draws(distill, draws, inputs)
    what = f"distill, {num_draws(draws):,} draws x {count:,} budgets"
    yield Row(f"{what}: first call", time.perf_counter() - begin, "s")
    _, each = seconds_of(lambda: over_draws(distill, draws, inputs))
    yield Row(what, here.loss.size / each, "plans/s")
    few = inputs | {"flops": inputs["flops"][:1]}
    reference = on_cpu(lambda: over_draws(distill, draws, few))
    yield from _agreement(what, jax.tree.map(lambda leaf: leaf[:, :1], here), reference)


def _bfgs(limits: Limits) -> Iterator[Row]:
    """The same plans by the BFGS of optimistix, from one start and from eight."""
    # Not every machine has optimistix.
    from experiments.benchmarks.quasi_newton import plans_with_bfgs

    given = _budgets(min(_OF_BFGS, limits.largest))
    for num_starts in (1, 8):
        what = f"distill, optimistix BFGS, {len(given[0]):,} plans, {num_starts} start(s), float64"
        begin = time.perf_counter()
        plans_with_bfgs(_DISTILLATION_LAW, *given, num_starts)
        yield Row(f"{what}: first call", time.perf_counter() - begin, "s")
        call = functools.partial(plans_with_bfgs, _DISTILLATION_LAW, *given, num_starts)
        yield Row(what, len(given[0]) / seconds_of(call)[1], "plans/s")


def _share_of_peak(limits: Limits) -> Iterator[Row]:
    del limits
    yield Row(
        "share of the device's peak that the arithmetic reaches",
        "not measured: XLA counts the steps of a loop once, and no peak is known to JAX",
    )


_ON_DEVICE: dict[str, Callable[[Limits], Iterator[Row]]] = {
    "laws against the CPU": _laws,
    "compute_optimal against the CPU": _correct_plans(_SHORT),
    "distill against the CPU": _correct_plans(_LONG),
    "fit, starts": starts,
    "distill, jit(vmap), float32": _through_own_jit(_LONG, np.float32),
    "distill, the function": _through_the_function(_LONG),
    "compute_optimal, the function": _through_the_function(_SHORT),
    "distill, jit(vmap), float64": _through_own_jit(_LONG, np.float64),
    "compute_optimal, jit(vmap), float64": _through_own_jit(_SHORT, np.float64),
    "compute_optimal, jit(vmap), float32": _through_own_jit(_SHORT, np.float32),
    "fit, bootstrap": bootstrap(Chinchilla, "supervised"),
    "fit of distillation, bootstrap": bootstrap(DistillationLimit, None),
    "draws and budgets": _draws_and_budgets,
    "optimistix BFGS": _bfgs,
    "share of the peak": _share_of_peak,
}
_AGAIN_ON_HOST = (
    "compute_optimal, the function",
    "distill, the function",
    "fit, bootstrap",
    "distill, jit(vmap), float64",
    "optimistix BFGS",
)


def _on_host(measure: Callable[[Limits], Iterator[Row]]) -> Callable[[Limits], Iterator[Row]]:
    """The same measurement on the host's CPU, with fewer plans; the device may be a CPU as well."""

    def on_host(limits: Limits) -> Iterator[Row]:
        if jax.default_backend() == "cpu":
            return
        few = limits._replace(largest=min(limits.largest, _LARGEST_ON_HOST))
        rows = measure(few)
        while (row := on_cpu(lambda: next(rows, None))) is not None:
            yield row._replace(what=f"host CPU: {row.what}")

    return on_host


MEASUREMENTS = _ON_DEVICE | {
    f"host CPU: {name}": _on_host(_ON_DEVICE[name]) for name in _AGAIN_ON_HOST
}
