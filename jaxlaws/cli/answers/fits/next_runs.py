"""`jaxlaws next-runs`: the runs to train next."""

import click
import numpy as np

from fitting import NextRuns
from jaxlaws.cli.options.law_quantity import Quantity
from jaxlaws.cli.output.destinations import is_picture
from jaxlaws.cli.output.files import write_picture
from jaxlaws.cli.output.printing import print_json, print_table
from jaxlaws.foundations.quantities import format_flops
from jaxlaws.foundations.text.cells import cell
from jaxlaws.foundations.text.escaping import figure_text


def show(found: NextRuns, quantity: Quantity, output: str | None, *, as_json: bool) -> None:
    """Print the runs and the intervals, and write a table or a picture of them."""
    if output is not None:
        if is_picture(output):
            write_picture(output, found.plot(title=figure_text(quantity.text)))
        else:
            found.write(output)
        click.echo(f"wrote {output}", err=True)
    if as_json:
        print_json({"question": quantity.text, "is_log": quantity.is_log, **found.to_dict()})
        return
    now, then = (_interval(ends, quantity) for ends in (found.interval, found.expected_interval))
    cost = format_flops(float(found.costs.sum()))
    lead = (
        f"{quantity.title}: {_number(found.value, quantity)}, {found.level:.0%} interval {now}. "
        f"Expected after {len(found.costs)} runs, which cost {cost} FLOPs in all: {then}."
    )
    unit = " (natural logarithm: 0.05 is 5%)" if quantity.is_log else ""
    notes = [
        f"deviation after: the expected standard deviation of {quantity.title}{unit} after the run "
        f"and those above it; it is {found.sd:.3g} now.",
        *found.remarks(),
    ]
    table = found.table()
    heads = ["cost (FLOPs)" if head == "cost" else head for head in table.heads]
    table = table._replace(heads=heads)
    print_table(f"runs to train for: {quantity.text}", table, notes, lead=lead)


def _interval(ends: tuple[float, float], quantity: Quantity) -> str:
    return " to ".join(_number(each, quantity) for each in ends)


def _number(value: float, quantity: Quantity) -> str:
    return cell("num_params", float(np.exp(value))) if quantity.is_log else f"{value:.5g}"
