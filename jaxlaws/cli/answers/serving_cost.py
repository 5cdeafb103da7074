"""`jaxlaws plan serve` in money: what training and serving cost on given hardware."""

import functools
from collections.abc import Mapping
from typing import Any

import click
import numpy as np

from jaxlaws.cli.answers.draws import LEVEL, interval, over_draws
from jaxlaws.cli.answers.wording import ASKED, WORDS, active_bounds, cell, counts, distance
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.output.files import check_no_picture
from jaxlaws.cli.output.printing import give_out, print_table
from jaxlaws.cli.output.progress import patience
from jaxlaws.cli.output.table_columns import columns, known, plain_inputs, rows_left_out, shown_rows
from jaxlaws.planning import (
    Hardware,
    Status,
    plan_to_dict,
    serve_for_money,
)

_OF_PLAN = ("num_params", "num_tokens", "loss")
_DOLLARS = {
    "dollars": "dollars",
    "training_dollars": "of that, training",
    "serving_dollars": "of that, serving",
}


def hardware(option: str, text: str) -> Hardware:
    """`2.5:1e15:0.45`: dollars an hour, peak FLOPs a second, and what of it is used.

    Raises:
        UsageError: it is written otherwise, or a number is out of range.
    """
    try:
        numbers = [float(part) for part in text.split(":")]
    except ValueError:
        numbers = []
    if len(numbers) != 3 or not all(0 < n < np.inf for n in numbers) or numbers[2] > 1:
        raise click.UsageError(
            f"{option} takes dollars an hour, peak FLOPs a second and utilisation, with colons "
            f"between them, such as 2.5:1e15:0.45, got {text!r}"
        )
    price, peak, utilisation = numbers
    return Hardware(dollars_per_hour=price, flops_per_second=peak, utilisation=utilisation)


def answer_in_money(
    asked: Mapping[str, Any],
    settings: Mapping[str, Any],
    source: Source,
    *,
    as_json: bool,
    output: str | None,
) -> None:
    """Answer with the cheapest model for a loss, or the best for so many dollars.

    Raises:
        ValueError: a single plan is infeasible, or the output is a picture.
    """
    check_no_picture(output, "plans in money")
    question = functools.partial(serve_for_money, **settings)
    with patience("compiling the planner, which happens once …"):
        priced = question(source.law, **asked)
    plan, single = priced.plan, np.ndim(priced.dollars) == 0
    if single and plan.status == Status.INFEASIBLE:
        raise ValueError(_why(asked))
    decades = source.decades(plan)
    document: dict[str, Any] = {
        "asked": plain_inputs(asked),
        **plan_to_dict(priced),
        "extrapolation_decades": known(decades),
    }
    table = columns(document, np.size(plan.loss))
    intervals: dict[str, Any] = {}
    if single and source.ensemble is not None:
        draws = over_draws(question, source.ensemble, asked)
        solved = draws.plan.status <= Status.BUDGET_UNSPENT
        numbers = {name: getattr(draws.plan, name) for name in _OF_PLAN}
        numbers |= {name: getattr(draws, name) for name in _DOLLARS}
        found = {name: interval(values[solved]) for name, values in numbers.items()}
        intervals = {name: ends for name, ends in found.items() if name not in asked and ends}
        document["intervals"] = intervals
    if not give_out(document, table, as_json=as_json, output=output):
        return
    title = f"training and serving in money, law {source.name}"
    values = {name: getattr(plan, name) for name in _OF_PLAN}
    values |= {name: getattr(priced, name) for name in _DOLLARS}
    words = {**{name: WORDS[name] for name in _OF_PLAN}, **_DOLLARS}
    if single:
        rows = [
            [words[name], cell(name, value), *(cell(name, end) for end in intervals.get(name, ()))]
            for name, value in values.items()
        ]
        rows.append(["status", Status(int(plan.status)).name])
        heads = ["", "plan", *([f"low ({LEVEL:.0%})", "high"] if intervals else [])]
        print_table(title, heads, rows)
        for note in active_bounds(plan):
            click.echo(note)
    else:
        swept = [name for name in asked if np.ndim(asked[name])]
        left = [name for name in words if name not in swept]
        rows = [
            [
                *(cell(name, asked[name][row]) for name in swept),
                *(cell(name, values[name][row]) for name in left),
                Status(int(plan.status[row])).name,
            ]
            for row in shown_rows(np.size(plan.loss))
        ]
        asked_words = {**ASKED, "dollars": "dollars"}
        heads = [*(asked_words[name] for name in swept), *(words[name] for name in left), "status"]
        print_table(title, heads, rows, note=rows_left_out(len(rows), np.size(plan.loss)))
        for note in counts(document["plan"]["status"], asked):
            click.echo(note)
    click.echo(distance(decades))


def _why(asked: Mapping[str, Any]) -> str:
    if "target_loss" in asked:
        return (
            f"no model reaches a loss of {asked['target_loss']:g} under this law: raise "
            "--target-loss above the irreducible loss"
        )
    return f"{asked['dollars']:g} dollars pay for no model and its serving: raise --dollars"
