"""`jaxlaws predict`: predicted losses."""

import functools
from collections.abc import Mapping, Sequence

import click
import jax
import numpy as np

from jaxlaws.cli.answers.caveats import FORM, form_error
from jaxlaws.cli.answers.draws import LEVEL
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.options.plan_options import RECEIVER, crossed
from jaxlaws.cli.output.printing import print_json, print_table, with_loss_unit
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.law import outcomes_of
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.foundations.text.cells import DISTANCE, WORDS, cell
from jaxlaws.foundations.text.tables import Table
from jaxlaws.inputs import OUTCOME
from jaxlaws.planning import extrapolation_decades, num_draws
from jaxlaws.precision import float64

_MOST_AT_ONCE = 2**20  # predictions that are computed at once


def show(inputs: Mapping[str, Array], source: Source, *, as_json: bool) -> None:
    """Predict the loss for all combinations of the inputs, and print it."""
    given = crossed(inputs)
    names = outcomes_of(source.law) or (OUTCOME,)
    if (receive := click.get_current_context().meta.get(RECEIVER)) is not None:
        predicted = functools.partial(_by_outcome, like=source.law, inputs=given, names=names)
        receive(None, predicted, {}, source)
        return
    arrays = np.broadcast_arrays(*map(np.atleast_1d, given.values()))
    columns = dict(zip(given, arrays, strict=True))
    with float64():
        predicted = np.asarray(source.law.loss(**columns))
    losses = dict(zip(names, predicted.reshape(-1, len(names)).T, strict=True))
    outside = extrapolation_decades(columns, source.fitted_range)
    decades = np.broadcast_to(outside, losses[names[0]].shape)
    ends = dict(zip(names, _intervals(columns, source, len(names)), strict=False))
    caveats = [*source.caveats, *([FORM] if ends else [])]
    caveats += form_error(source, [columns], "prediction")
    rolled = _roll_out_errors(columns, source)
    if as_json:
        document = {**columns, **losses, "extrapolation_decades": decades}
        document |= {"intervals": ends} if ends else {}
        document |= {"roll_out": rolled} if rolled else {}
        print_json(document | ({"caveats": caveats} if caveats else {}))
        return
    of_form = ("mean", "worst") if rolled else ()
    rows = [
        [
            *(format_quantity(column[row]) for column in columns.values()),
            *(f"{each[row]:.6f}" for name in names for each in (losses[name], *ends.get(name, ()))),
            cell("extrapolation_decades", decades[row]),
            *("–" if np.isnan(rolled[n][row]) else f"{rolled[n][row]:.2f}" for n in of_form),
        ]
        for row in range(decades.size)
    ]
    of_interval = [f"low ({LEVEL:.0%})", "high"] if ends else []
    heads = [head for name in names for head in (name, *of_interval)]
    last = [f"{name} error (%)" for name in of_form]
    table = Table([*(WORDS.get(n, n) for n in columns), *heads, *DISTANCE.values(), *last], rows)
    notes = [f"Caveat: {each}" for each in caveats]
    if rolled and np.isnan(rolled["mean"]).any():
        notes.insert(0, "–: not beyond the fitted runs, so that the roll-out has no error for it.")
    print_table(f"{source.name}: predicted loss", with_loss_unit(table, source.loss_unit), notes)


def _by_outcome(
    law: Tree, *, like: Tree, inputs: Mapping[str, Array], names: Sequence[str]
) -> dict[str, Array]:
    """The prediction of a law, or of its supervised law, for single inputs, by outcome."""
    predicted = (law if isinstance(law, type(like)) else law.supervised).loss(**inputs)
    return {
        name: predicted[..., i] if len(names) > 1 else predicted for i, name in enumerate(names)
    }


def _roll_out_errors(columns: Mapping[str, Array], source: Source) -> dict[str, Array]:
    """Distances beyond the fitted runs, and the roll-out's errors there; empty without one."""
    if not source.roll_out:
        return {}
    from fitting.validation.errors_by_distance import decades_beyond, errors_at

    beyond = decades_beyond(source.roll_out, columns)
    return {"decades": beyond, **errors_at(source.roll_out, beyond)}


def _intervals(columns: Mapping[str, Array], source: Source, num_outcomes: int) -> Array:
    """The interval of each prediction over the draws, `(num_outcomes, 2, num_rows)`.

    Empty without draws.
    """
    if source.ensemble is None:
        return np.empty((0, 2, 0))
    size = max(1, _MOST_AT_ONCE // num_draws(source.ensemble))
    parts = []
    for begin in range(0, len(next(iter(columns.values()))), size):
        part = {name: each[begin : begin + size] for name, each in columns.items()}
        with float64():
            drawn = np.asarray(jax.vmap(lambda law, part=part: law.loss(**part))(source.ensemble))
        drawn = drawn.reshape(*drawn.shape[:2], num_outcomes)
        parts.append(np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0))
    return np.concatenate(parts, axis=1).transpose(2, 0, 1)
