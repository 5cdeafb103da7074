"""`jaxlaws predict`: predicted losses."""

from collections.abc import Mapping

import numpy as np

from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.options.plan_options import crossed
from jaxlaws.cli.output.printing import Table, print_json, print_table
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.law import outcomes_of
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.inputs import OUTCOME
from jaxlaws.planning import extrapolation_decades
from jaxlaws.precision import float64


def show(inputs: Mapping[str, Array], source: Source, *, as_json: bool) -> None:
    """Predict the loss for all combinations of the inputs, and print it."""
    columns = {name: np.atleast_1d(value) for name, value in crossed(inputs).items()}
    names = outcomes_of(source.law) or (OUTCOME,)
    with float64():
        predicted = np.asarray(source.law.loss(**columns))
    losses = dict(zip(names, predicted.reshape(-1, len(names)).T, strict=True))
    outside = extrapolation_decades(columns, source.fitted_range)
    decades = np.broadcast_to(outside, losses[names[0]].shape)
    if as_json:
        print_json({**columns, **losses, "extrapolation_decades": decades})
        return
    rows = [
        [
            *(format_quantity(column[row]) for column in columns.values()),
            *(f"{each[row]:.6f}" for each in losses.values()),
            "unknown" if np.isnan(decades[row]) else f"{decades[row]:.1f}",
        ]
        for row in range(decades.size)
    ]
    table = Table([*columns, *names, "decades outside the fitted range"], rows)
    print_table(f"{source.name}: predicted loss", table)
