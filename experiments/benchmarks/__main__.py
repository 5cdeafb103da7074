"""`python -m experiments.benchmarks`: the table of DESIGN's numbers, as far as they are measured.

The parts of SciPy and optimistix need the extra `bench`, fits the folder of published runs
(`JAXLAWS_DATA`). Nothing else should run on the machine.
"""

import os
import platform
import time
from typing import Any

import click
import jax
import numpy as np

from experiments.benchmarks.fits import fit_rows
from experiments.benchmarks.quasi_newton import plans_with_bfgs
from experiments.benchmarks.slsqp import plan_with_slsqp
from experiments.benchmarks.timing import fresh_seconds, median_seconds
from fitting.reporting.markdown import markdown_table
from jaxlaws import presets
from jaxlaws.planning import (
    TEACHER_PRETRAINING_AND_INFERENCE,
    Status,
    compute_optimal,
    distill,
)

_LAW = presets.load("busbridge2025_consistent")


def _full(flops: Any, size: Any) -> Any:
    return distill(
        _LAW, flops=flops, num_student_params=size, scenario=TEACHER_PRETRAINING_AND_INFERENCE
    )


def _problems(count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return 10 ** random.uniform(19, 26, count), 10 ** random.uniform(8, 11, count)


def first_steps() -> list[list[str]]:
    """Import, first call, and one budget through a compiled plan."""
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
        ["first call, distill, all paid", f"{fresh_seconds(questions, full):.2f} s", "3 s"],
        [
            "one budget, compute_optimal",
            f"{1e3 * median_seconds(lambda: compute_optimal(law, flops=1e21), 300):.2f} ms",
            "1 ms",
        ],
        [
            "one budget, distill, all paid",
            f"{1e3 * median_seconds(lambda: _full(1e21, 1e9), 300):.2f} ms",
            "1 ms",
        ],
    ]


def many_plans(count: int) -> list[list[str]]:
    """A batch of distillation plans, beside SciPy."""
    flops, sizes = _problems(count)
    each = median_seconds(lambda: _full(flops, sizes), 3) / count
    plans = _full(flops, sizes)
    solved = float(np.mean(plans.status <= Status.BUDGET_UNSPENT))
    few = range(10)
    begin = time.perf_counter()
    theirs = [plan_with_slsqp(_LAW, flops[i], sizes[i]) for i in few]
    slow = (time.perf_counter() - begin) / len(few)
    ahead = max(plans.loss[i] - loss for i, loss in zip(few, theirs, strict=True))
    return [
        [f"distillation plan, each of {count:,}", f"{1e6 * each:.1f} µs", "8 µs"],
        ["SciPy SLSQP, best of ten starts, over that", f"{slow / each:,.0f} times", "5,000 times"],
        ["our loss above SLSQP's, worst of ten", f"{ahead:.1e}", "1e-8"],
        ["share of plans solved", f"{solved:.4%}", "99.99%"],
    ]


def beside_optimistix() -> list[list[str]]:
    """The same plans by vmapped BFGS from one start, and from as many as our own scan has."""
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
                f"optimistix BFGS, {starts}, over that",
                f"{theirs / count / each:,.0f} times",
                wanted,
            ],
            [f"its losses off by more than 1e-8, {starts}", f"{np.mean(off > 1e-8):.1%}", ""],
            [
                f"our loss above its, {starts}, worst of {count}",
                f"{max(-off.min(), 0):.1e}",
                "1e-8",
            ],
        ]
    return rows


@click.command()
@click.option("--plans", default=100_000, show_default=True, help="Plans in the large batch.")
@click.option("--only-fits", is_flag=True, help="Leave out what plans take.")
def main(plans: int, only_fits: bool) -> None:
    """Measure, and print a table."""
    load = os.getloadavg()[0]
    rows = fit_rows()
    if not only_fits:
        rows = [*first_steps(), *rows, *many_plans(plans), *beside_optimistix()]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, JAX {jax.__version__}"
    click.echo(f"{machine}, load before: {load:.1f}\n")
    click.echo(markdown_table(["what", "measured", "to reach"], rows))


main()
