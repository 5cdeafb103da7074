"""`jaxlaws plan distill --student 1B,3B,8B`: students that share one teacher."""

import functools
from collections.abc import Mapping
from typing import Any

import click
import numpy as np

from jaxlaws.cli.answers.draws import LEVEL, interval, over_draws
from jaxlaws.cli.answers.wording import ASKED, PAID, WORDS, cell, counts, distance, why_infeasible
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.output.files import check_no_picture
from jaxlaws.cli.output.printing import give_out, print_table
from jaxlaws.cli.output.progress import patience
from jaxlaws.cli.output.table_columns import flat, known, plain_inputs, rows_left_out, shown_rows
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.planning import Status, distill_family, extrapolation_decades, plan_to_dict

_OF_TEACHER = ("num_teacher_params", "num_teacher_tokens", "teacher_loss")
_OF_STUDENTS = ("num_student_params", "num_student_tokens", "student_losses")
_NO_COLUMNS = ("asked", "intervals")


def answer_family(
    asked: Mapping[str, Any],
    settings: Mapping[str, Any],
    source: Source,
    scenario: str,
    *,
    as_json: bool,
    output: str | None,
) -> None:
    """Answer with the shared teacher, and each student's tokens and loss.

    Raises:
        ValueError: a single budget is too small, or the output is a picture.
    """
    check_no_picture(output, "students of several sizes")
    sizes = np.array(asked["num_student_params"])
    question = functools.partial(distill_family, **settings, num_student_params=sizes)
    inputs = {name: value for name, value in asked.items() if name != "num_student_params"}
    with patience("compiling the planner, which happens once …"):
        plan = question(source.law, **inputs)
    single = np.ndim(plan.loss) == 0
    if single and plan.status == Status.INFEASIBLE:
        raise ValueError(why_infeasible(inputs, settings["forward_flops"]))
    ranges = source.fitted_range or {}
    shape = np.shape(plan.student_losses)
    runs = {name: getattr(plan, name) for name in _OF_STUDENTS[:2]}
    runs["teacher_loss"] = plan.teacher_loss[..., None]
    of_each = np.broadcast_to(extrapolation_decades(runs, ranges), shape)
    decades = np.fmax.reduce(of_each, axis=-1)
    document: dict[str, Any] = {
        "asked": plain_inputs(asked),
        **plan_to_dict(plan),
        "extrapolation_decades": known(decades),
    }
    intervals = {}
    if single and source.ensemble is not None:
        draws = over_draws(question, source.ensemble, inputs)
        solved = draws.status <= Status.BUDGET_UNSPENT
        found = {name: interval(getattr(draws, name)[solved]) for name in (*_OF_TEACHER, "loss")}
        intervals = {name: ends for name, ends in found.items() if ends is not None}
        document["intervals"] = intervals
    table = _table(document, shape)
    if not give_out(document, table, as_json=as_json, output=output):
        return
    title = f"students that share a teacher, scenario {scenario}, law {source.name}"
    if single:
        _print_plan(f"{title}, {format_quantity(asked['flops'])} FLOPs", plan, intervals)
    else:
        _print_sweep(title, plan, asked)
        for note in counts(document["status"], inputs):
            click.echo(note)
    click.echo(distance(decades))


def _table(document: Mapping[str, Any], shape: tuple[int, ...]) -> dict[str, list[Any]]:
    """A row for each budget and student."""
    *_, num_students = shape

    def repeated(name: str, value: Any) -> list[Any]:
        cells = np.array(value, dtype=object)
        if name not in _OF_STUDENTS:
            cells = np.repeat(cells[..., None], num_students, axis=-1)
        return np.broadcast_to(cells, shape).ravel().tolist()

    plain = {name: value for name, value in document.items() if name not in _NO_COLUMNS}
    columns = {"budget": repeated("budget", document["asked"]["flops"])}
    for name, value in flat(plain).items():
        columns[name] = repeated(name.rsplit(".")[-1], value)
    return columns


def _print_plan(title: str, plan: Any, intervals: Mapping[str, Any]) -> None:
    heads = ["", "parameters", "tokens", "loss"]
    rows = [
        [f"student {i + 1}", cell("size", size), cell("tokens", tokens), cell("loss", loss)]
        for i, (size, tokens, loss) in enumerate(
            zip(*(getattr(plan, name) for name in _OF_STUDENTS), strict=True)
        )
    ]
    teacher = [cell(name, getattr(plan, name)) for name in _OF_TEACHER]
    print_table(title, heads, [*rows, ["their teacher", *teacher]])
    paid = [f"{PAID[name]} {share:.1%}" for name, share in plan.shares.items() if share > 0]
    click.echo(f"Mean loss {plan.loss:.4f}. Compute: {', '.join(paid)}.")
    for name, (low, high) in intervals.items():
        words = "mean loss" if name == "loss" else WORDS[name]
        click.echo(
            f"{LEVEL:.0%} of the fit's draws: {words} {cell(name, low)} to {cell(name, high)}."
        )
    click.echo(f"Status {Status(int(plan.status)).name}.")


def _print_sweep(title: str, plan: Any, asked: Mapping[str, Any]) -> None:
    budgets = asked["flops"]
    rows = [
        [
            cell("flops", budgets[row]),
            *(cell(name, getattr(plan, name)[row]) for name in _OF_TEACHER),
            *(cell("loss", loss) for loss in plan.student_losses[row]),
            Status(int(plan.status[row])).name,
        ]
        for row in shown_rows(len(budgets))
    ]
    heads = [ASKED["flops"], *(WORDS[name] for name in _OF_TEACHER)]
    heads += [f"loss, {format_quantity(size)}" for size in asked["num_student_params"]]
    print_table(title, [*heads, "status"], rows, note=rows_left_out(len(rows), len(budgets)))
