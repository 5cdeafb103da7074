"""`jaxlaws plan`: what to do with a budget."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from jaxlaws.cli.compilation import keep_compiled
from jaxlaws.cli.options import (
    SWEEP,
    Source,
    flops_model_option,
    forward_flops,
    json_option,
    law_option,
)
from jaxlaws.cli.output import print_json, print_table, write_table

SCENARIOS = {
    "free": "FREE_TEACHER",
    "inference": "TEACHER_INFERENCE",
    "pretraining": "TEACHER_PRETRAINING",
    "full": "TEACHER_PRETRAINING_AND_INFERENCE",
}
_MOST_ROWS = 24
_LEVEL = 0.9

budget_option = click.option(
    "--flops", type=SWEEP, required=True, help="The whole budget, or low:high:count for a sweep."
)
student_option = click.option("--student", type=SWEEP, help="Parameters of the student.")
scenario_option = click.option(
    "--scenario",
    type=click.Choice(list(SCENARIOS)),
    default="full",
    show_default=True,
    help="What of the teacher is paid for: nothing, its logits, its training, or both.",
)
output_option = click.option(
    "-o", "--output", type=click.Path(dir_okay=False), help="Write plans to .csv or .parquet."
)


@click.group("plan")
def group() -> None:
    """Plan with a law: how large, how long, distilled or not, and from which teacher."""


def _flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested keys joined by dots."""
    flat: dict[str, Any] = {}
    for key, value in document.items():
        name = f"{prefix}{key}"
        flat |= _flat(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return flat


def _crossed(*values: Any) -> list[Any]:
    """Sweeps crossed with one another; numbers alone stay numbers."""
    import numpy as np

    if all(np.ndim(value) == 0 for value in values):
        return list(values)
    grid = np.meshgrid(*(np.atleast_1d(value) for value in values), indexing="ij")
    return [axis.ravel() for axis in grid]


def _cell(name: str, value: Any) -> str:
    from jaxlaws.quantities import format_quantity

    if isinstance(value, str):
        return value
    if "loss" in name or name == "margin":
        return f"{value:.4f}"
    if name.startswith("shares"):
        return f"{value:.1%}"
    if name.startswith(("num_", "flops")):
        return format_quantity(value)
    return f"{value:.3g}"


def _over_draws(question: Callable[[Any], Any], ensemble: Any) -> Any:
    """The question answered for every draw of a fit, in float64."""
    import jax

    from jaxlaws.precision import float64, to_numpy

    with float64():
        return to_numpy(jax.jit(jax.vmap(question))(ensemble))


def answer(
    title: str,
    question: Callable[[Any], Any],
    source: Source,
    *,
    as_json: bool,
    output: str | None,
) -> None:
    """Answer a question with a law, and for one plan with its intervals over the fit's draws."""
    import numpy as np

    from jaxlaws.planning import extrapolation_decades, plan_to_dict

    plan = question(source.law)
    document = plan_to_dict(plan)
    document["extrapolation_decades"] = (
        extrapolation_decades(plan, source.fitted_range) if source.fitted_range else None
    )
    size = np.size(plan.loss)
    if size == 1 and source.ensemble is not None:
        draws = plan_to_dict(_over_draws(question, source.ensemble))
        document["intervals"] = {
            name: np.nanquantile(draws[name], [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2]).tolist()
            for name in draws
            if name.startswith(("num_", "loss", "teacher_loss"))
        }
    columns = _flat({key: value for key, value in document.items() if key != "intervals"})
    columns = {name: value for name, value in columns.items() if value is not None}
    if output:
        write_table(output, {name: np.atleast_1d(value) for name, value in columns.items()})
    if as_json:
        print_json(document)
        return
    if size == 1:
        _print_plan(title, columns, document.get("intervals", {}))
    else:
        _print_sweep(title, columns, size)
    if source.fitted_range is None:
        click.echo("the range that the law was fitted to is not known", err=True)
    elif np.max(document["extrapolation_decades"]) > 0:
        click.echo("decades above 0: outside the range that the law was fitted to", err=True)
    if output:
        click.echo(f"wrote {output}", err=True)


def _print_plan(
    title: str, columns: Mapping[str, Any], intervals: Mapping[str, tuple[float, float]]
) -> None:
    rows = []
    for name, value in columns.items():
        ends = [_cell(name, end) for end in intervals.get(name, ())] or ["", ""]
        rows.append((name, _cell(name, value), *ends) if intervals else (name, _cell(name, value)))
    heads = ["", "plan", f"low ({_LEVEL:.0%})", "high"] if intervals else ["", "plan"]
    print_table(title, heads, rows)


def _print_sweep(title: str, columns: Mapping[str, Any], size: int) -> None:
    shown = [name for name in columns if not name.startswith(("shares", "active_bounds"))]
    picked = range(size)
    if size > _MOST_ROWS:
        picked = [round(i * (size - 1) / (_MOST_ROWS - 1)) for i in range(_MOST_ROWS)]
    rows = [[_cell(name, columns[name][row]) for name in shown] for row in picked]
    more = f"{_MOST_ROWS} of {size} plans shown; -o writes all" if size > _MOST_ROWS else ""
    print_table(title, shown, rows, note=more)


@group.command("train")
@law_option
@budget_option
@click.option("--params", type=SWEEP, help="Fix the size, and plan the tokens.")
@flops_model_option
@output_option
@json_option
def train(
    law_name: str, flops: Any, params: Any, flops_model: str, output: str | None, as_json: bool
) -> None:
    """Train a model on its own: the compute-optimal size and tokens, or tokens for a size."""
    keep_compiled()
    from jaxlaws.planning import compute_optimal, train_fixed

    source = Source(law_name)
    options = {"forward_flops": forward_flops(flops_model, source)}
    if params is None:
        title, question = "compute-optimal training", compute_optimal
        options["flops"] = flops
    else:
        title, question = "training at a fixed size", train_fixed
        options["flops"], options["num_params"] = _crossed(flops, params)
    answer(
        f"{title}, law {law_name}",
        lambda law: question(law, **options),
        source,
        as_json=as_json,
        output=output,
    )


@group.command("distill")
@law_option
@budget_option
@student_option
@scenario_option
@click.option(
    "--students", type=click.IntRange(1), default=1, help="Students that share a teacher."
)
@flops_model_option
@output_option
@json_option
def distill_command(
    law_name: str,
    flops: Any,
    student: Any,
    scenario: str,
    students: int,
    flops_model: str,
    output: str | None,
    as_json: bool,
) -> None:
    """Distil a student: the best teacher, its tokens, and the student's tokens."""
    keep_compiled()
    from jaxlaws import planning

    if student is None:
        raise click.UsageError("plan distill needs --student, the student's size")
    source = Source(law_name)
    budgets, sizes = _crossed(flops, student)
    options = {
        "flops": budgets,
        "num_student_params": sizes,
        "scenario": getattr(planning, SCENARIOS[scenario]),
        "num_students": students,
        "forward_flops": forward_flops(flops_model, source),
    }
    answer(
        f"distillation, scenario {scenario}, law {law_name}",
        lambda law: planning.distill(law, **options),
        source,
        as_json=as_json,
        output=output,
    )
