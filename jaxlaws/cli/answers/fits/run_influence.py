"""`jaxlaws influence`: the runs that decide a plan."""

import re

import click
import numpy as np

from fitting import Influence
from jaxlaws.cli.options.law_quantity import Quantity
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.output.destinations import is_picture
from jaxlaws.cli.output.files import write_picture, write_table
from jaxlaws.cli.output.printing import print_json, print_table, with_loss_unit
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.text.cells import WORDS, cell
from jaxlaws.foundations.text.escaping import figure_text
from jaxlaws.foundations.text.table_columns import known
from jaxlaws.foundations.text.tables import Table

_MOST_ROWS = 12
_INPUTS = (
    "num_params", "num_tokens", "num_student_params", "num_student_tokens", "teacher_loss",
)  # fmt: skip


def show(
    found: Influence, quantity: Quantity, source: Source, output: str | None, *, as_json: bool
) -> None:
    """Print the influence of each run, and write a table or a picture of it."""
    columns = _columns(found)
    unit = "log" if quantity.is_log else _unit(quantity, source)
    title = f"influence of {len(found.rows)} runs on {quantity.title}, fit {source.name}"
    if output is not None:
        if is_picture(output):
            write_picture(output, found.plot(title=figure_text(quantity.text), unit=unit))
        else:
            write_table(output, columns)
        click.echo(f"wrote {output}", err=True)
    if as_json:
        rows = [
            dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)
        ]
        print_json(
            {
                "question": quantity.text,
                "is_log": quantity.is_log,
                "unit": unit,
                "value": found.value,
                "runs": rows,
            }
        )
        return
    notes = [
        "Change if left out: the law is fitted without the run. Change per +1%: the loss of the "
        "run is 1% higher (first order)."
    ]
    if np.median(np.abs(found.largest_per_percent)) == 0:
        notes.append(
            "The change per +1% is 0 for runs that are farther than delta from the law: with "
            "Huber's cost a small change of their losses moves nothing."
        )
    if not found.is_refit.all():
        count = int(np.sum(~found.is_refit))
        notes.append(
            f"{count} of {len(found.rows)} runs, with ~: to first order, because the law was not "
            "fitted again or the new fit did not converge."
        )
    if len(found.rows) > _MOST_ROWS:
        more = "" if output is not None and not is_picture(output) else "; -o writes all"
        notes.insert(0, f"{_MOST_ROWS} of {len(found.rows)} runs are shown{more}.")
    shown = "" if quantity.is_log else unit
    table = with_loss_unit(_table(found, quantity, shown), source.loss_unit)
    print_table(title, table, notes, lead=_lead(found, quantity, shown))


def _unit(quantity: Quantity, source: Source) -> str:
    is_loss = re.search("loss|margin|gain", quantity.name.replace("_", " "))
    return source.loss_unit if is_loss else ""


def _lead(found: Influence, quantity: Quantity, unit: str) -> str:
    """The answer in a sentence."""
    change = found.if_left_out[found.order]
    value = f"{found.value:.6g}"
    if quantity.is_log:
        value = cell("num_params", float(np.exp(found.value)))
    first = f"row {found.rows[found.order[0]]} of {found.sources[found.order[0]]}"
    total = np.square(change).sum()
    # The fewest runs with half of the sum of squared changes.
    half = 1 + int(np.searchsorted(np.cumsum(np.square(change)), 0.5 * total)) if total else 0
    most = _change(float(change[0]), quantity)
    return (
        f"{quantity.title}: {value}{unit and f' {unit}'}. Without {first} it changes by {most}. "
        f"{half} of {len(change)} runs have half of all influence (sum of squares)."
    )


def _table(found: Influence, quantity: Quantity, unit: str) -> Table:
    several = len(np.unique(found.sources)) > 1
    names = [name for name in _INPUTS if name in found.inputs]
    names = [name for name in names if np.isfinite(found.inputs[name]).any()]
    rows = []
    for i in found.order[:_MOST_ROWS].tolist():
        inputs = [float(found.inputs[name][i]) for name in names]
        cells = [cell(n, value) for n, value in zip(names, inputs, strict=True)]
        mark = "" if found.is_refit[i] else "~"
        rows.append(
            [
                *([str(found.sources[i])] if several else []),
                str(found.rows[i]),
                *cells,
                ", ".join(f"{loss:.4f}" for loss in np.ravel(found.losses[i])),
                f"{mark}{_change(float(found.if_left_out[i]), quantity)}",
                _change(float(found.largest_per_percent[i]), quantity),
            ]
        )
    heads = [*(["table"] if several else []), "row", *(WORDS[name] for name in names)]
    last = [
        "loss",
        *(f"{name}{unit and f' ({unit})'}" for name in ("change if left out", "change per +1%")),
    ]
    return Table([*heads, *last], rows, num_keys=1 + several)


def _change(value: float, quantity: Quantity) -> str:
    if not value:
        return "0"
    return f"{100 * np.expm1(value):+.3g}%" if quantity.is_log else f"{value:+.3g}"


def _columns(found: Influence) -> dict[str, list[Json]]:
    """The influence of all runs, the largest first, as columns of one length."""
    several = found.per_percent.ndim > 1
    numbers = {
        **{name: found.inputs[name] for name in _INPUTS if name in found.inputs},
        **({} if several else {"loss": found.losses}),
        "if_left_out": found.if_left_out,
        "first_order": found.first_order,
        "per_percent": found.largest_per_percent,
    }
    places = found.order
    return {
        "table": [str(each) for each in found.sources[places]],
        "row": [int(each) for each in found.rows[places]],
        **{name: known(values[places]) for name, values in numbers.items()},
        "is_refit": [bool(each) for each in found.is_refit[places]],
    }
