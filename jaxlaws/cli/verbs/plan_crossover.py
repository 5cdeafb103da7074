"""`jaxlaws plan crossover`: from which compute on the other method is better."""

from typing import Any

import click

from jaxlaws.cli.compilation_cache import keep_compiled
from jaxlaws.cli.options.law_source import Source, forward_flops
from jaxlaws.cli.options.parameter_types import SWEEP, flops_model_option, json_option, law_option
from jaxlaws.cli.options.plan_options import (
    SCENARIOS,
    inference_option,
    output_option,
    scenario_option,
    students_option,
)

_METHODS = {"SUPERVISED": "train alone", "DISTILLATION": "distil", "NONE": "neither"}
_MOST_DRAWS = 200  # each is asked at some hundreds of budgets


@click.command("crossover")
@law_option
@click.option("--student", type=SWEEP, required=True, help="Parameters of the student.")
@scenario_option
@students_option
@inference_option
@flops_model_option
@output_option
@json_option
def command(
    law_name: str,
    student: Any,
    scenario: str,
    students: int,
    inference_tokens: float,
    flops_model: str,
    output: str | None,
    as_json: bool,
) -> None:
    """Distil or train alone? The budgets from 1e17 to 1e28 FLOPs at which the better one changes.

    Both make a model of the student's size, with the same budget.
    """
    keep_compiled()
    import jax
    import numpy as np

    from jaxlaws import planning
    from jaxlaws.cli.output.files import check_no_picture
    from jaxlaws.cli.output.printing import give_out
    from jaxlaws.cli.output.progress import patience
    from jaxlaws.cli.output.table_columns import known, plain_inputs
    from jaxlaws.planning.analysis.ensembles import num_draws

    check_no_picture(output, "crossings")
    source = Source(law_name)
    forward = forward_flops(flops_model, source)
    asked = {
        "num_student_params": student,
        "num_students": float(students),
        "num_inference_tokens": inference_tokens,
    }
    with patience("compiling the planner, which happens once …"):
        answer = planning.crossover(
            source.law,
            **asked,
            scenario=getattr(planning, SCENARIOS[scenario]),
            forward_flops=forward,
        )
    draws = None
    if np.ndim(student) == 0 and source.ensemble is not None:
        some = jax.tree.map(lambda leaf: leaf[:_MOST_DRAWS], source.ensemble)
        with patience(f"planning with {num_draws(some)} draws of the fit …"):
            draws = planning.crossover(
                some,
                **asked,
                scenario=getattr(planning, SCENARIOS[scenario]),
                forward_flops=forward,
            )
    sizes = np.asarray(student)[..., None]
    tokens = answer.flops / students / (3 * np.asarray(forward(sizes))) - inference_tokens / 3
    size = np.where(np.isfinite(tokens), sizes, np.nan)
    runs = {"num_params": size, "num_student_params": size}
    runs |= {"num_tokens": tokens, "num_student_tokens": tokens}
    decades = planning.extrapolation_decades(runs, source.fitted_range or {})
    decades = np.where(np.isfinite(answer.flops), decades, np.nan)
    document = {
        "asked": plain_inputs(asked),
        "scenario": scenario,
        **planning.plan_to_dict(answer),
        "extrapolation_decades": known(decades),
    }
    rows = _rows(np.atleast_1d(student), answer, decades)
    if draws is not None:
        document["draws"] = over = _over_draws(answer, draws)
        shares = [over["first"], *over["crossings"]]
        rows = [{**row, **each} for row, each in zip(rows, shares, strict=True)]
    table = {name: [row[name] for row in rows] for name in rows[0]}
    if give_out(document, table, as_json=as_json, output=output):
        _print(f"distil or train alone? Scenario {scenario}, law {law_name}", rows, decades)
        if draws is not None and source.holds_supervised:
            click.echo(
                "The draws all have one supervised law: its uncertainty is not in the intervals."
            )


def _over_draws(answer: Any, draws: Any) -> dict[str, Any]:
    """How many draws begin as the law does, and where each of its crossings lies in the draws.

    The second crossing from training to distilling, say, is that of the draws that have one.
    """
    import numpy as np

    from jaxlaws.cli.answers.draws import interval

    crossings = []
    for place in np.flatnonzero(np.isfinite(answer.flops)):
        alike = draws.to == answer.to[place]
        nth = np.sum(answer.to[: place + 1] == answer.to[place])
        here = alike & (np.cumsum(alike, axis=-1) == nth)
        low, high = interval(draws.flops[here]) or (None, None)
        share = float(np.mean(here.any(axis=-1)))
        crossings.append({"low": low, "high": high, "share_of_draws": share})
    begins = float(np.mean(draws.first == answer.first))
    return {
        "first": {"low": None, "high": None, "share_of_draws": begins},
        "crossings": crossings,
    }


def _rows(sizes: Any, answer: Any, decades: Any) -> list[dict[str, Any]]:
    """One for each stretch of budgets with one better method."""
    import numpy as np

    from jaxlaws.planning import Method, Status

    rows = []
    flops = np.atleast_2d(answer.flops)
    to, loss, outside = (np.atleast_2d(part) for part in (answer.to, answer.loss, decades))
    for index, size in enumerate(sizes):
        status = Status(int(np.atleast_1d(answer.status)[index])).name
        start = {"num_student_params": float(size), "from_flops": None, "loss": None}
        better = Method(int(np.atleast_1d(answer.first)[index])).name
        rows.append({**start, "better": better, "status": status, "extrapolation_decades": None})
        for place in np.flatnonzero(np.isfinite(flops[index])):
            far = outside[index, place]
            rows.append(
                {
                    "num_student_params": float(size),
                    "from_flops": float(flops[index, place]),
                    "loss": float(loss[index, place]),
                    "better": Method(int(to[index, place])).name,
                    "status": status,
                    "extrapolation_decades": float(far) if np.isfinite(far) else None,
                }
            )
    return rows


def _print(title: str, rows: list[dict[str, Any]], decades: Any) -> None:
    import numpy as np

    from jaxlaws.cli.answers.draws import LEVEL
    from jaxlaws.cli.answers.wording import cell, distance
    from jaxlaws.cli.output.printing import print_table

    with_draws = "share_of_draws" in rows[0]
    cells = [
        [
            cell("num_student_params", row["num_student_params"]),
            "the least" if row["from_flops"] is None else cell("flops", row["from_flops"]),
            _METHODS[row["better"]],
            cell("loss", row["loss"]),
            row["status"],
            *(cell("flops", row[end]) for end in ("low", "high") if with_draws),
            *([f"{row['share_of_draws']:.0%}"] if with_draws else []),
        ]
        for row in rows
    ]
    heads = ["student parameters", "from FLOPs on", "better", "loss there", "status"]
    heads += [f"low ({LEVEL:.0%})", "high", "of draws"] if with_draws else []
    print_table(title, heads, cells)
    known = np.asarray(decades)[np.isfinite(decades)]
    if all(row["from_flops"] is None for row in rows):
        click.echo("There is no crossing between 1e17 and 1e28 FLOPs.")
    else:
        click.echo(distance(known if known.size else np.nan))
