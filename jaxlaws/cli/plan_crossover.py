"""`jaxlaws plan crossover`: from which compute on the other method is better."""

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
from jaxlaws.cli.plan import (
    SCENARIOS,
    inference_option,
    output_option,
    scenario_option,
    students_option,
)

_METHODS = {"SUPERVISED": "train alone", "DISTILLATION": "distil", "NONE": "neither"}


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
    import numpy as np

    from jaxlaws import planning
    from jaxlaws.cli.columns import known
    from jaxlaws.cli.output import check_sweep, print_json, write_table
    from jaxlaws.cli.progress import patience

    check_sweep(output, {})  # there is no picture of crossings
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
    sizes = np.asarray(student)[..., None]
    tokens = answer.flops / students / (3 * np.asarray(forward(sizes))) - inference_tokens / 3
    size = np.where(np.isfinite(tokens), sizes, np.nan)
    runs = {"num_params": size, "num_student_params": size}
    runs |= {"num_tokens": tokens, "num_student_tokens": tokens}
    decades = planning.extrapolation_decades(runs, source.fitted_range or {})
    decades = np.where(np.isfinite(answer.flops), decades, np.nan)
    document = {
        "asked": {name: np.asarray(value).tolist() for name, value in asked.items()},
        "scenario": scenario,
        **planning.plan_to_dict(answer),
        "extrapolation_decades": known(decades),
    }
    rows = _rows(np.atleast_1d(student), answer, decades)
    if output:
        write_table(output, {name: [row[name] for row in rows] for name in rows[0]})
        click.echo(f"wrote {output}", err=True)
    if as_json:
        print_json(document)
    else:
        _print(f"distil or train alone? Scenario {scenario}, law {law_name}", rows, decades)


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

    from jaxlaws.cli.output import print_table
    from jaxlaws.cli.plan_words import cell, distance

    cells = [
        [
            cell("num_student_params", row["num_student_params"]),
            "the least" if row["from_flops"] is None else cell("flops", row["from_flops"]),
            _METHODS[row["better"]],
            cell("loss", row["loss"]),
            row["status"],
        ]
        for row in rows
    ]
    heads = ["student parameters", "from FLOPs on", "better", "loss there", "status"]
    print_table(title, heads, cells)
    known = np.asarray(decades)[np.isfinite(decades)]
    if all(row["from_flops"] is None for row in rows):
        click.echo("There is no crossing between 1e17 and 1e28 FLOPs.")
    else:
        click.echo(distance(known if known.size else np.nan))
