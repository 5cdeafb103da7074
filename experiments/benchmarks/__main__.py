"""`python -m experiments.benchmarks`: measure the speed of plans and fits, and print a table.

The comparisons with SciPy and optimistix need the extra `bench`. The fits need the folder of
published runs (`JAXLAWS_DATA`). Run nothing else on the machine at the same time.
"""

import os
import platform
import time

import click
import jax
import numpy as np

from experiments.benchmarks.fits import fit_rows
from experiments.benchmarks.quasi_newton import plans_with_bfgs
from experiments.benchmarks.slsqp import plan_with_slsqp
from experiments.benchmarks.timing import fresh_seconds, median_seconds
from fitting import markdown_table
from jaxlaws import presets
from jaxlaws.foundations.annotations import Array
from jaxlaws.planning import (
    TEACHER_PRETRAINING_AND_INFERENCE,
    DistillationPlan,
    compute_optimal,
    distill,
    is_solved,
)

_LAW = presets.load("busbridge2025_consistent")


def _full(flops: Array, size: Array) -> DistillationPlan:
    return distill(
        _LAW, flops=flops, num_student_params=size, scenario=TEACHER_PRETRAINING_AND_INFERENCE
    )


def _problems(count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return 10 ** random.uniform(19, 26, count), 10 ** random.uniform(8, 11, count)


def first_steps() -> list[list[str]]:
    """Measure the import, the first call, and one budget through a compiled plan."""
    questions = "from jaxlaws import presets, planning\n"
    optimal = "planning.compute_optimal(presets.load('besiroglu2024'), flops=1e21)"
    full = (
        "planning.distill(presets.load('busbridge2025_consistent'), flops=1e21, "
        "num_student_params=1e9, scenario=planning.TEACHER_PRETRAINING_AND_INFERENCE)"
    )
    law = presets.load("besiroglu2024")
    return [
        [
            "`import jaxlaws` beyond `import jax`",
            f"{fresh_seconds('import jax', 'import jaxlaws'):.3f} s",
            "0.1 s",
        ],
        [
            "the same with its planning",
            f"{fresh_seconds('import jax', 'import jaxlaws.planning'):.3f} s",
            "",
        ],
        ["first call, compute_optimal", f"{fresh_seconds(questions, optimal):.2f} s", "3 s"],
        ["first call, distill, fully charged", f"{fresh_seconds(questions, full):.2f} s", "3 s"],
        [
            "one budget, compute_optimal",
            f"{1e3 * median_seconds(lambda: compute_optimal(law, flops=1e21), 300):.2f} ms",
            "1 ms",
        ],
        [
            "one budget, distill, fully charged",
            f"{1e3 * median_seconds(lambda: _full(1e21, 1e9), 300):.2f} ms",
            "1 ms",
        ],
    ]


def many_plans(count: int) -> list[list[str]]:
    """Measure a batch of distillation plans, and the same plans with SciPy."""
    flops, sizes = _problems(count)
    each = median_seconds(lambda: _full(flops, sizes), 3) / count
    plans = _full(flops, sizes)
    solved = float(np.mean(is_solved(plans.status)))
    few = range(10)
    begin = time.perf_counter()
    theirs = [plan_with_slsqp(_LAW, flops[i], sizes[i]) for i in few]
    slow = (time.perf_counter() - begin) / len(few)
    ahead = max(plans.loss[i] - loss for i, loss in zip(few, theirs, strict=True))
    return [
        [f"distillation plan, each of {count:,}", f"{1e6 * each:.1f} µs", "8 µs"],
        [
            "SciPy SLSQP, best of ten starts, relative to our plan",
            f"{slow / each:,.0f} times",
            "5,000 times",
        ],
        ["our loss minus SLSQP's, largest of ten", f"{ahead:.1e}", "1e-8"],
        ["share of plans solved", f"{solved:.4%}", "99.99%"],
    ]


def plans_with_optimistix() -> list[list[str]]:
    """Measure the same plans with vmapped BFGS from one start, and from as many as our scan has."""
    rows = []
    problems = _problems(4096)
    each = median_seconds(lambda: _full(*problems), 9) / 4096
    for num_starts, count, wanted in ((1, 4096, "2 times"), (40, 512, "10 times")):
        flops, sizes = (entries[:count] for entries in problems)
        theirs = median_seconds(
            lambda f=flops, s=sizes, n=num_starts: plans_with_bfgs(_LAW, f, s, n), 3
        )
        off = plans_with_bfgs(_LAW, flops, sizes, num_starts) - _full(flops, sizes).loss
        starts = f"{num_starts} start{'s' if num_starts > 1 else ''}"
        rows += [
            [
                f"optimistix BFGS, {starts}, relative to our plan",
                f"{theirs / count / each:,.0f} times",
                wanted,
            ],
            [f"its losses more than 1e-8 above ours, {starts}", f"{np.mean(off > 1e-8):.1%}", ""],
            [
                f"our loss minus its loss, {starts}, largest of {count}",
                f"{max(-off.min(), 0):.1e}",
                "1e-8",
            ],
        ]
    return rows


@click.command()
@click.option(
    "--plans", default=100_000, show_default=True, help="Number of plans in the large batch."
)
@click.option("--only-fits", is_flag=True, help="Measure the fits only, not the plans.")
def main(plans: int, only_fits: bool) -> None:
    """Measure the speed of plans and fits, and print a table."""
    load = os.getloadavg()[0]
    rows = fit_rows()
    if not only_fits:
        rows = [*first_steps(), *rows, *many_plans(plans), *plans_with_optimistix()]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, JAX {jax.__version__}"
    click.echo(f"{machine}, load before the start: {load:.1f}\n")
    click.echo(markdown_table(["what", "measured", "to reach"], rows))


main()
