"""Fits on the default device: many starts, and bootstraps."""

import time
from collections.abc import Callable, Iterator
from typing import Literal

import jax
import numpy as np

from experiments.benchmarks.accelerator.rows import Limits, Row, on_cpu, seconds_of
from fitting import Status, bundled_runs, fit
from jaxlaws.laws.chinchilla import Chinchilla

_STARTS = 256
_LONGEST_FIT = 40.0  # seconds
_PART = 16  # of the draws, one is measured first, to see how long all would take


def starts(limits: Limits) -> Iterator[Row]:
    """Measure a fit from many starts, and compare it with the CPU's."""
    runs = bundled_runs("supervised")
    first, each = seconds_of(lambda: fit(Chinchilla, runs, num_starts=_STARTS))
    yield Row(f"Chinchilla, {len(runs)} runs, {_STARTS} starts: first call", first, "s")
    yield Row(f"Chinchilla, {len(runs)} runs, {_STARTS} starts", each, "s")
    here, there = (
        call()
        for call in (
            lambda: fit(Chinchilla, runs, num_starts=_STARTS),
            lambda: on_cpu(lambda: fit(Chinchilla, runs, num_starts=_STARTS)),
        )
    )
    pairs = zip(jax.tree.leaves(here.law), jax.tree.leaves(there.law), strict=True)
    worst = max(abs(mine / theirs - 1) for mine, theirs in pairs)
    yield Row("Chinchilla: largest relative difference of a coefficient from the CPU's", worst, "")


def bootstrap(
    law_type: type, kind: Literal["supervised"] | None
) -> Callable[[Limits], Iterator[Row]]:
    """Return the measurement of a bootstrap of a law, fitted to bundled runs of a kind."""

    def measure(limits: Limits) -> Iterator[Row]:
        runs, expected = bundled_runs(kind), 0.0
        for draws in (max(1, limits.draws // _PART), limits.draws):
            what = f"{law_type.__name__}, {len(runs)} runs, {_STARTS} starts and {draws:,} draws"
            if expected > _LONGEST_FIT:
                yield Row(what, f"left out: a fit would take up to {expected:.0f} s")
                continue
            for end in (": first call", ""):
                begin = time.perf_counter()
                drawn = fit(law_type, runs, num_starts=_STARTS, bootstrap=draws)
                each = time.perf_counter() - begin
                yield Row(what + end, each, "s")
            expected = _PART * each
            converged = np.mean(np.asarray(drawn.ensemble_status) <= Status.FLAT_DIRECTION)
            yield Row(f"{what}: draws that converged", float(converged), "share")

    return measure
