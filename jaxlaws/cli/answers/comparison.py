"""A comparison of strategies as JSON, in cells and in sentences."""

from collections.abc import Mapping
from typing import Any

import click
import numpy as np

from jaxlaws.cli.answers.wording import active_bounds, cell, distance
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.output.printing import print_table
from jaxlaws.cli.output.table_columns import known, plain_inputs, rows_left_out, shown_rows
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.planning import Comparison, Winner, extrapolation_decades, plan_to_dict
from jaxlaws.planning.analysis.ensembles import num_draws

_STRATEGIES = {
    "train": "train",
    "overtrain": "overtrain",
    "distil": "distil",
    "use_teacher": "use the teacher",
}


def _names(winners: np.ndarray) -> Any:
    if np.ndim(winners) == 0:
        return Winner(int(winners)).name
    return [Winner(int(winner)).name for winner in winners]


def _probabilities(winners: np.ndarray, options: Mapping[str, Any]) -> dict[str, float]:
    """The share of the draws that each strategy wins, by its winner's name."""
    names = [*(name.upper() for name in options), Winner.NONE.name]
    shares = {name: float(np.mean(winners == Winner[name])) for name in names}
    return {name: share for name, share in shares.items() if share or name != Winner.NONE.name}


def distances(comparison: Comparison, ranges: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Decades of each strategy's plan to the fitted range."""
    shape = np.shape(comparison.winner)
    return {
        name: np.broadcast_to(extrapolation_decades(plan, ranges), shape)
        for name, plan in comparison.options.items()
    }


def farthest(comparison: Comparison, ranges: Mapping[str, Any]) -> np.ndarray:
    """Decades to the fitted range, of the eligible strategy that is farthest.

    NaN where one is unknown and none is known to be outside.
    """
    decades = distances(comparison, ranges)
    may = comparison.eligible
    most = np.fmax.reduce([np.where(may[name], decades[name], np.nan) for name in decades])
    unknown = np.any([may[name] & np.isnan(decades[name]) for name in decades], axis=0)
    return np.where(unknown & (most <= 0), np.nan, most)


def document_of(
    comparison: Comparison,
    asked: Mapping[str, Any],
    source: Source,
    winners: np.ndarray | None,
) -> dict[str, Any]:
    """The comparison as a JSON object.

    Args:
        comparison: one, or several along an axis.
        asked: the inputs.
        source: the law.
        winners: the winner of each of the fit's draws, None without.
    """
    ranges = source.fitted_range or {}
    decades = distances(comparison, ranges)
    document = {
        "asked": plain_inputs(asked),
        "winner": _names(comparison.winner),
        "margin": known(comparison.margin),
        "options": {
            name: {**plan_to_dict(plan), "extrapolation_decades": known(decades[name])}
            for name, plan in comparison.options.items()
        },
        "eligible": {name: np.asarray(may).tolist() for name, may in comparison.eligible.items()},
        "reason": np.asarray(comparison.words(ranges)).tolist(),
        "extrapolation_decades": known(farthest(comparison, ranges)),
    }
    if winners is not None:
        document["probabilities"] = _probabilities(winners, comparison.options)
    return document


def _ruled_out(comparison: Comparison) -> list[str]:
    """Why strategies may not win, of a single comparison."""
    told = []
    for name, plan in comparison.options.items():
        if comparison.eligible[name]:
            continue
        if np.isnan(plan.loss):
            why = "it costs more than the budget"
        elif name == "overtrain":
            why = "the student is no smaller than compute-optimal"
        else:
            why = "it is larger than the student"
        told.append(f"Ruled out: {_STRATEGIES[name]}; {why}.")
    return told


def print_comparison(
    title: str, comparison: Comparison, document: Mapping[str, Any], source: Source
) -> None:
    """Print one comparison: a row a strategy, the winner, and how sure that is."""
    asked, won = document["asked"], document.get("probabilities", {})
    rows = []
    for name, plan in comparison.options.items():
        values = vars(plan)
        paid = plan.shares.logits + plan.shares.teacher
        rows.append(
            [
                _STRATEGIES[name],
                cell("loss", plan.loss)
                if comparison.eligible[name]
                else f"({cell('loss', plan.loss)})",
                cell("size", values.get("num_params", values.get("num_student_params"))),
                cell("tokens", values.get("num_tokens", values.get("num_student_tokens"))),
                cell("size", values.get("num_teacher_params")),
                cell("tokens", values.get("num_teacher_tokens")),
                cell("loss", values.get("teacher_loss")),
                cell("teacher", paid) if name == "distil" else "–",
                *([f"{won[name.upper()]:.0%}"] if won else []),
            ]
        )
    heads = ["", "loss", "parameters", "tokens", "teacher", "teacher tokens", "teacher loss"]
    heads += ["teacher's share", *(["draws won"] if won else [])]
    student = asked.get("num_student_params")
    of_student = "" if student is None else f", student {format_quantity(student)}"
    print_table(f"{title}: {format_quantity(asked['flops'])} FLOPs{of_student}", heads, rows)
    click.echo(f"Winner: {document['winner']}. {document['reason']}")
    bounds = active_bounds(comparison.options.distil)
    notes = [*_ruled_out(comparison), *bounds, *_unjudged(document)]
    for note in (*notes, *_confidence(document, source)):
        click.echo(note)


def _unjudged(document: Mapping[str, Any]) -> list[str]:
    """Which of the strategies that may win could not be compared with a fitted range."""
    unknown = [
        _STRATEGIES[name]
        for name, plan in document["options"].items()
        if document["eligible"][name] and plan["extrapolation_decades"] is None
    ]
    if not unknown or len(unknown) == sum(document["eligible"].values()):
        return []  # where none is judged, the reason says so
    return [f"The fitted range is not known for: {', '.join(unknown)}."]


def _confidence(document: Mapping[str, Any], source: Source) -> list[str]:
    won = document.get("probabilities")
    if won is None:
        return ["How sure that is cannot be said: there are no draws of this law."]
    told = (
        f"It wins in {won[document['winner']]:.0%} of the fit's {num_draws(source.ensemble)} draws"
    )
    if others := [f"{name} in {share:.0%}" for name, share in won.items()
                  if share and name != document["winner"]]:  # fmt: skip
        told += f"; {', '.join(others)}"
    notes = [f"{told}."]
    if source.holds_supervised:
        notes.append(
            "The draws all have one supervised law: what is unsure of it is not in that share."
        )
    if document["extrapolation_decades"] != 0:
        notes.append("The share is of the law as fitted; outside its runs the law itself may err.")
    return notes


def print_comparisons(
    title: str, document: Mapping[str, Any], table: Mapping[str, list[Any]]
) -> None:
    """Print several comparisons: a row each."""
    asked = document["asked"]
    swept = [name for name in asked if isinstance(asked[name], list)]
    heads = ["budget" if name == "flops" else "student parameters" for name in swept]
    options = list(document["options"])
    heads += ["winner", "margin", *(f"loss, {_STRATEGIES[name]}" for name in options)]
    heads += ["decades outside"]
    size = len(table["winner"])
    rows = []
    for row in shown_rows(size):
        decades = table["extrapolation_decades"][row]
        rows.append(
            [
                *(cell(name, asked[name][row]) for name in swept),
                table["winner"][row],
                cell("margin", table["margin"][row]),
                *(_loss(table, name, row) for name in options),
                "unknown" if decades is None else f"{decades:.1f}",
            ]
        )
    notes = ["In brackets: ruled out.", rows_left_out(len(rows), size, "comparisons")]
    print_table(title, heads, rows, note="\n".join(filter(None, notes)))
    decades = np.array(table["extrapolation_decades"], dtype=float)
    click.echo(distance(decades))


def _loss(table: Mapping[str, list[Any]], name: str, row: int) -> str:
    told = cell("loss", table[f"options.{name}.loss"][row])
    return told if table[f"eligible.{name}"][row] else f"({told})"
