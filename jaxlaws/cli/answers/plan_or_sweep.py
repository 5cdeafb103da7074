"""How a question to the planner is answered: with one plan and its intervals, or with a sweep."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
import numpy as np

from jaxlaws.cli.answers.draws import LEVEL, interval, over_draws
from jaxlaws.cli.answers.near_optimal_range import (
    leeway_document,
    leeway_words,
    near_optimal_of_all,
    range_cell,
)
from jaxlaws.cli.answers.wording import (
    ASKED,
    PAID,
    WORDS,
    cell,
    counts,
    distance,
    remarks,
    why_infeasible,
)
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.output.files import check_sweep
from jaxlaws.cli.output.printing import give_out, print_table
from jaxlaws.cli.output.progress import patience
from jaxlaws.cli.output.table_columns import columns, known, plain_inputs, rows_left_out, shown_rows
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.planning import Status, plan_to_dict
from jaxlaws.planning.analysis.ensembles import num_draws


def _intervals(draws: Any, asked: Mapping[str, Any]) -> dict[str, list[float]]:
    """The intervals of what is planned, over the draws that have a plan."""
    solved = draws.status <= Status.BUDGET_UNSPENT
    found = {
        name: interval(getattr(draws, name)[solved])
        for name in WORDS
        if hasattr(draws, name) and name not in asked
    }
    return {name: ends for name, ends in found.items() if ends is not None}


def _notes_on_draws(draws: Any, source: Source, intervals: Mapping[str, Any]) -> list[str]:
    if source.ensemble is None:
        return ["No intervals: there are no draws of this law."]
    total = num_draws(source.ensemble)
    solved = int(np.sum(draws.status <= Status.BUDGET_UNSPENT))
    told = []
    if solved < total:
        told.append(
            f"{total - solved} of {total} draws of the fit give no plan to rely on; left out."
        )
    if intervals and source.holds_supervised:
        told.append(
            "The draws all have one supervised law: its uncertainty is not in the intervals."
        )
    return told


def answer(
    title: str,
    planner: Callable[..., Any],
    asked: dict[str, Any],
    settings: Mapping[str, Any],
    source: Source,
    *,
    within: float | None = None,
    as_json: bool,
    output: str | None,
) -> None:
    """Answer a question, and for a single plan over the fit's draws too.

    Args:
        title: of the table.
        planner: a question of `jaxlaws.planning`.
        asked: its inputs, numbers or arrays of one length; `flops` is the budget, if any.
        settings: its other keywords.
        source: the law.
        within: tell the ranges of what is planned that lose at most so much, if any.
        as_json: print one JSON object instead of a table.
        output: the table of plans to write, if any.

    Raises:
        ValueError: a single plan is infeasible, or the output is a picture of what is no sweep of
            budgets; the message says why.
    """
    check_sweep(output, asked)
    question = functools.partial(planner, **settings)
    with patience("compiling the planner, which happens once …"):
        plan = question(source.law, **asked)
    single = np.ndim(plan.loss) == 0
    if single and plan.status == Status.INFEASIBLE:
        raise ValueError(why_infeasible(asked, settings["forward_flops"]))
    budget = asked.get("flops", plan.flops)
    decades = source.decades(plan)
    draws, intervals = None, {}
    if single and source.ensemble is not None:
        draws = over_draws(question, source.ensemble, asked)
        intervals = _intervals(draws, asked)
    document = {
        "asked": plain_inputs(asked),
        **plan_to_dict(plan),
        "extrapolation_decades": known(decades),
    }
    ranges: dict[str, Any] = {}
    if within is not None:
        with patience("looking for the ends of the ranges …"):
            ranges = near_optimal_of_all(planner, source.law, plan, within, asked, settings)
        document["leeway"] = leeway_document(ranges, within)
    table = columns(document, np.size(plan.loss))

    def picture() -> Any:
        if ranges:
            return _ranges_picture(title, within, ranges, asked, source)
        return _picture(title, plan, question, asked, source, decades)

    told = give_out(
        {**document, "intervals": intervals} if intervals else document,
        table,
        as_json=as_json,
        output=output,
        picture=picture,
    )
    if told and single:
        notes = [*remarks(plan, budget), *_notes_on_draws(draws, source, intervals)]
        notes += leeway_words(ranges, within) if within is not None else []
        goal = f"loss {asked['target_loss']:g}" if "target_loss" in asked else ""
        goal = goal or f"{format_quantity(budget)} FLOPs"
        head = f"{title}, {goal}, law {source.name}"
        _print_plan(head, plan, intervals, [*notes, distance(decades)])
    elif told:
        notes = [*counts(table["status"], asked), distance(decades)]
        _print_sweep(f"{title}, law {source.name}", table, asked, notes, ranges, within)
    if single and plan.status > Status.INFEASIBLE:
        for note in remarks(plan, budget):
            click.echo(f"Warning: {note}", err=True)
        click.get_current_context().exit(1)


def _picture(
    title: str,
    plan: Any,
    question: Callable[..., Any],
    asked: Mapping[str, Any],
    source: Source,
    decades: np.ndarray,
) -> Any:
    from jaxlaws.figures.plans import allocation

    draws = None if source.ensemble is None else over_draws(question, source.ensemble, asked)
    return allocation(
        asked["flops"], plan, draws=draws, decades=decades, title=f"{title}, law {source.name}"
    )


def _ranges_picture(
    title: str,
    within: float | None,
    ranges: Mapping[str, Any],
    asked: Mapping[str, Any],
    source: Source,
) -> Any:
    from jaxlaws.figures.near_optimal import near_optimal_ranges

    name, leeway = next(iter(ranges.items()))
    return near_optimal_ranges(
        asked["flops"],
        [(within or 0.0, leeway)],
        of=name,
        label=WORDS[name],
        title=f"{title}, law {source.name}",
    )


def _print_plan(
    title: str, plan: Any, intervals: Mapping[str, Sequence[float]], notes: list[str]
) -> None:
    rows = []
    for name, words in WORDS.items():
        if np.isfinite(getattr(plan, name, np.nan)):
            ends = [cell(name, end) for end in intervals.get(name, ())] or ["", ""]
            rows.append((words, cell(name, getattr(plan, name)), *ends))
    for name, share in plan.shares.items():
        if share > 0:
            rows.append((f"compute for {PAID[name]}", cell(name, share), "", ""))
    rows.append(("status", Status(int(plan.status)).name, "", ""))
    heads = ["", "plan", f"low ({LEVEL:.0%})", "high"]
    if not intervals:
        heads, rows = heads[:2], [row[:2] for row in rows]
    print_table(title, heads, rows)
    for note in notes:
        click.echo(note)


def _print_sweep(
    title: str,
    table: Mapping[str, list[Any]],
    asked: Mapping[str, Any],
    notes: list[str],
    ranges: Mapping[str, Any],
    within: float | None,
) -> None:
    size = len(table["loss"])
    swept = [name for name in asked if np.ndim(asked[name])]
    left_out = (*swept, "flops") if "flops" in asked else swept
    planned = [name for name in WORDS if name in table and name not in left_out]
    heads = [ASKED[name] for name in swept]
    heads += [*(WORDS[name] for name in planned), "status", "decades outside"]
    # The first alone: a table for people is not wide enough for all.
    first = dict(list(ranges.items())[:1])
    heads += [f"{WORDS[name]} within {within:g}" for name in first]
    rows = []
    for row in shown_rows(size):
        decades = table["extrapolation_decades"][row]
        rows.append(
            [
                *(cell(name, asked[name][row]) for name in swept),
                *(cell(name, table[name][row]) for name in planned),
                table["status"][row],
                "unknown" if decades is None else f"{decades:.1f}",
                *(range_cell(name, leeway, row) for name, leeway in first.items()),
            ]
        )
    print_table(title, heads, rows)
    for note in filter(None, [rows_left_out(len(rows), size), *notes]):
        click.echo(note)
