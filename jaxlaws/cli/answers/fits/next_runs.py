"""`jaxlaws next-runs`: the runs to train next."""

from collections.abc import Collection

import click
import jax
import numpy as np

from fitting import NextRuns
from jaxlaws.cli.answers.draws import interval
from jaxlaws.cli.options.law_quantity import Quantity
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.output.destinations import is_picture
from jaxlaws.cli.output.files import write_picture
from jaxlaws.cli.output.printing import print_json, print_table
from jaxlaws.foundations.quantities import format_flops
from jaxlaws.foundations.text.cells import WORDS, cell, times_outside
from jaxlaws.foundations.text.escaping import figure_text
from jaxlaws.planning import extrapolation_decades
from jaxlaws.precision import float64


def show(
    found: NextRuns,
    quantity: Quantity,
    source: Source,
    bounded: Collection[str],
    output: str | None,
    *,
    as_json: bool,
) -> None:
    """Print the runs and the intervals, and write a table or a picture of them.

    Args:
        found: the runs.
        quantity: what they are for.
        source: the fit, whose draws give another interval.
        bounded: the inputs whose range the user gave.
        output: the file to write, or None.
        as_json: whether to print one JSON object.
    """
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
        f"{quantity.title}: {_number(found.value, quantity)}, {found.level:.0%} interval {now} "
        f"(normal approximation{_of_draws(quantity, source)}). "
        f"Expected after {len(found.costs)} runs, which cost {cost} FLOPs in all: {then}."
    )
    unit = " (natural logarithm: 0.05 is 5%)" if quantity.is_log else ""
    notes = [
        f"deviation after: the expected standard deviation of {quantity.title}{unit} after the run "
        f"and those above it; it is {found.sd:.3g} now.",
        *found.remarks(),
        *_beyond(found, source, bounded),
    ]
    table = found.table()
    heads = ["cost (FLOPs)" if head == "cost" else head for head in table.heads]
    table = table._replace(heads=heads)
    print_table(f"runs to train for: {quantity.text}", table, notes, lead=lead)


def _of_draws(quantity: Quantity, source: Source) -> str:
    """The interval over the bootstrap draws, which `jaxlaws plan` gives."""
    if source.ensemble is None:
        return ""
    with float64():
        ends = interval(np.asarray(jax.jit(jax.vmap(quantity.function))(source.ensemble)))
    return f"; over the bootstrap draws {_interval((ends[0], ends[1]), quantity)}" if ends else ""


def _beyond(found: NextRuns, source: Source, bounded: Collection[str]) -> list[str]:
    """How far the runs lie beyond those of the fit, where the user gave no range, a sentence."""
    inputs = {name: each for name, each in found.inputs.items() if name not in bounded}
    decades = np.max(extrapolation_decades(inputs, source.fitted_range), initial=0.0)
    far, name = times_outside(decades), source.farthest(inputs)
    if far is None or name is None:
        return []
    return [
        f"The farthest run lies {far} times outside the runs of the fit ({WORDS.get(name, name)}); "
        "a factor of 3 is allowed, for tokens per parameter as well. To change this: "
        f"--bound {name}=LOW:HIGH, --bound tokens_per_param=LOW:HIGH."
    ]


def _interval(ends: tuple[float, float], quantity: Quantity) -> str:
    return " to ".join(_number(each, quantity) for each in ends)


def _number(value: float, quantity: Quantity) -> str:
    return cell("num_params", float(np.exp(value))) if quantity.is_log else f"{value:.5g}"
