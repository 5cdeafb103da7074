"""`python -m experiments.fleet`: plan a fleet in several ways, and print three tables."""

import os

import click
import jax

from experiments.fleet.alternatives import PRESETS, rows
from experiments.fleet.solvers import Solved, with_optax, with_slsqp
from fitting import markdown_table
from jaxlaws.planning import Status


def _plan_row(name: str, solved: Solved) -> list[str]:
    tokens = ", ".join(f"{each:.4g}" for each in solved.num_student_tokens)
    status = "" if solved.plan is None else Status(int(solved.plan.status)).name
    teacher = f"{solved.num_teacher_params:.4g} on {solved.num_teacher_tokens:.4g}"
    return [name, f"{solved.loss:.6f}", f"{solved.num_tokens:.4g}", teacher, tokens, status]


@click.command()
def main() -> None:
    """Compare ways to make the fleet; solve one in float32, in float64 and with SLSQP."""
    click.echo(markdown_table(["mean loss with", *PRESETS], list(rows())) + "\n")
    solved = {"Optax through jaxlaws, float32": with_optax()}
    with jax.enable_x64(True):
        solved["Optax through jaxlaws, float64"] = with_optax()
    solved["SciPy SLSQP on the raw law, 30 starts"] = with_slsqp()
    plans = [_plan_row(name, each) for name, each in solved.items()]
    columns = [
        "method",
        "mean loss",
        "data (tokens)",
        "teacher",
        "tokens of the products",
        "status",
    ]
    click.echo(markdown_table(columns, plans))
    times = [
        [name, f"{each.seconds_to_compile:.1f} s", f"{each.seconds:.2f} s", str(each.all_finite)]
        for name, each in solved.items()
    ]
    columns = ["method", "compilation", "all steps or starts", "gradients finite"]
    click.echo(f"\nLoad of the machine: {os.getloadavg()[0]:.1f}\n")
    click.echo(markdown_table(columns, times))


main()
