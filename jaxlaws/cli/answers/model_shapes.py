"""`jaxlaws plan train --shapes`: models that can be built."""

from collections.abc import Mapping
from typing import Any

import click
import numpy as np

from jaxlaws.cli.answers.wording import ASKED, cell, distance, why_infeasible
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.output.files import check_no_picture
from jaxlaws.cli.output.printing import give_out, print_table
from jaxlaws.cli.output.progress import patience
from jaxlaws.cli.output.table_columns import columns, known, plain_inputs, rows_left_out, shown_rows
from jaxlaws.compute import exact_forward_flops
from jaxlaws.planning import optimal_shape, plan_to_dict

_FIELDS = {
    "num_layers": "layers",
    "width": "width",
    "num_heads": "heads",
    "mlp_width": "MLP width",
    "num_params": "parameters",
    "num_tokens": "tokens",
    "loss": "loss",
    "excess_loss": "loss above any size's",
}
_WHOLE = ("num_layers", "width", "num_heads", "mlp_width")


def _cell(name: str, value: float) -> str:
    if name in _WHOLE and np.isfinite(value):
        return f"{value:.0f}"
    return f"{value:.2g}" if name == "excess_loss" else cell(name, value)


def answer_with_shapes(
    asked: Mapping[str, Any], source: Source, *, as_json: bool, output: str | None
) -> None:
    """Answer with the shape of least loss for a budget or a sweep.

    Raises:
        ValueError: a single budget pays for no shape, or the output is a picture.
    """
    check_no_picture(output, "shapes")
    with patience("compiling the planner, which happens once …"):
        plan = optimal_shape(source.law, **asked)
    single = np.ndim(plan.loss) == 0
    if single and plan.shape < 0:
        raise ValueError(why_infeasible(asked, exact_forward_flops))
    decades = source.decades(plan)
    document = {
        "asked": plain_inputs(asked),
        **plan_to_dict(plan),
        "extrapolation_decades": known(decades),
    }
    table = columns(document, np.size(plan.loss))
    if not give_out(document, table, as_json=as_json, output=output):
        return
    title = f"training a shape that can be built, law {source.name}"
    if single:
        title += f", {cell('flops', asked['flops'])} FLOPs"
        rows = [(words, _cell(name, getattr(plan, name))) for name, words in _FIELDS.items()]
        print_table(title, ["", "plan"], rows)
    else:
        size = len(asked["flops"])
        rows = [
            [
                cell("flops", asked["flops"][row]),
                *(_cell(name, getattr(plan, name)[row]) for name in _FIELDS),
            ]
            for row in shown_rows(size)
        ]
        heads = [ASKED["flops"], *_FIELDS.values()]
        print_table(title, heads, rows, note=rows_left_out(len(rows), size))
    click.echo(distance(decades))
