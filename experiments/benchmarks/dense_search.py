"""`python -m experiments.benchmarks.dense_search`: random plans against a dense search.

Distillation plans with 1 to a million students that are charged with 1e-4 to all of the costs of
their teacher, budgets of 1e18 to 1e26 FLOPs, students of 1e7 to 1e11 parameters, and the law
busbridge2025_refit, in every second block with each coefficient changed by 12%. The dense search is
that of the tests, in NumPy, and shares no code with the solver.
"""

import click
import numpy as np

from jaxlaws import presets
from jaxlaws.planning import Scenario, Status, distill, is_solved
from tests.planning.spending_all import hard_problems, least_losses

_BLOCK = 2000
_WORSE = 1e-8  # in nats: a solved plan is not worse than the dense search by more


@click.command()
@click.option("--count", default=100_000, show_default=True, help="Number of problems.")
@click.option("--seed", default=100, show_default=True, help="Seed of the first block.")
def main(count: int, seed: int) -> None:
    """Print, after each block, the problems so far, those solved, and the worst difference."""
    law = presets.load("busbridge2025_refit")
    total = solved = wrong = infeasible = 0
    worst, statuses = -np.inf, np.zeros(len(Status), dtype=int)
    for block in range(-(-count // _BLOCK)):
        scatter = 0.12 * (block % 2)
        problems = hard_problems(law, seed + block, _BLOCK, scatter=scatter, least_students=1.0)
        plan = distill(
            problems.law,
            flops=problems.flops,
            num_student_params=problems.size,
            num_students=problems.students,
            scenario=Scenario(logits=problems.logits, pretraining=problems.pretraining),
        )
        least = least_losses(problems)
        above = np.where(is_solved(plan.status), plan.loss - least, -np.inf)
        for index in np.flatnonzero(above > _WORSE):
            click.echo(f"worse by {above[index]:.3g}: seed {seed + block}, index {index}")
        missed = (plan.status == Status.INFEASIBLE) != np.isinf(least)
        for index in np.flatnonzero(missed):
            click.echo(f"feasible or not: seed {seed + block}, index {index}")
        total, solved = total + _BLOCK, solved + int(is_solved(plan.status).sum())
        wrong, infeasible = wrong + int((above > _WORSE).sum()), infeasible + int(missed.sum())
        worst = max(worst, float(above.max()))
        statuses += np.bincount(plan.status, minlength=len(Status))
        counts = {status.name: int(statuses[status]) for status in Status if statuses[status]}
        click.echo(
            f"{total} problems, {solved} solved, {wrong} worse by more than {_WORSE:g}, worst "
            f"difference {worst:.3g}, {infeasible} with another feasibility, {counts}"
        )


if __name__ == "__main__":
    main()
