"""How much each run moves a quantity that is computed from the fitted law."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from fitting.data.runs import Runs
from fitting.design.data_function import FitAsFunction, fit_as_function
from fitting.estimation.options import check_integer
from fitting.estimation.results import FitResult, L_co
from fitting.minimiser.status import Status
from jaxlaws.foundations.annotations import Array, Json, Tree
from jaxlaws.foundations.text.cards import MOST_ROWS, Card, Displayed
from jaxlaws.foundations.text.table_columns import frame_of, known
from jaxlaws.foundations.text.tables import Table
from jaxlaws.precision import float64

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PERCENT = 0.01


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Influence(Displayed):
    """How much each run moves a quantity; changes are in the unit of the quantity.

    The runs are those of the table of the fit, then those of each table in `stages`.

    Attributes:
        value: the quantity for the fitted law.
        per_percent: the change per 1% of the loss of each run, to first order, `(num_runs,)`; with
            several outcomes `(num_runs, num_outcomes)`.
        if_left_out: the change if a run is left out, `(num_runs,)`: by a new fit without the run
            where `is_refit`, else to first order.
        first_order: the same change for a law that is linear near the fit, `(num_runs,)`.
        is_refit: whether a new fit without the run converged, `(num_runs,)`.
        rows: the row of each run in its source, as a person counts, `(num_runs,)`.
        sources: the source of each run, `(num_runs,)`.
        losses: of each run, as in `per_percent`.
        inputs: the inputs of the runs, `(num_runs,)` each, NaN where a run has no value.
    """

    value: float
    per_percent: np.ndarray
    if_left_out: np.ndarray
    first_order: np.ndarray
    is_refit: np.ndarray
    rows: np.ndarray
    sources: np.ndarray
    losses: np.ndarray
    inputs: Mapping[str, np.ndarray]

    @property
    def order(self) -> np.ndarray:
        """The runs, the largest change if left out first."""
        return np.argsort(-np.abs(self.if_left_out), kind="stable")

    @property
    def largest_per_percent(self) -> np.ndarray:
        """Of the changes per 1% of each run's losses, the largest, `(num_runs,)`."""
        each = self.per_percent.reshape(len(self.rows), -1)
        return np.take_along_axis(each, np.abs(each).argmax(axis=1, keepdims=True), 1)[:, 0]

    def table(self) -> Table:
        """A row for each run, in `order`: loss, change per 1%, and change if left out."""
        largest = self.largest_per_percent
        several = len(np.unique(self.sources)) > 1
        rows = [
            [
                *([str(self.sources[i])] if several else []),
                str(self.rows[i]),
                ", ".join(f"{loss:.4f}" for loss in np.ravel(self.losses[i])),
                f"{largest[i]:+.3g}",
                f"{self.if_left_out[i]:+.3g}" + ("" if self.is_refit[i] else " (first order)"),
            ]
            for i in self.order.tolist()
        ]
        heads = ["row", "loss", "per 1%", "if left out"]
        return Table([*(["table"] if several else []), *heads], rows, num_keys=1 + several)

    def to_dict(self) -> dict[str, Json]:
        """The quantity, and a list for each column of the runs; a missing number is None."""
        columns = {"row": self.rows, "source": self.sources, **self.inputs, "losses": self.losses}
        columns |= {n: getattr(self, n) for n in ("per_percent", "if_left_out", "is_refit")}
        plain = {n: known(v) if v.dtype.kind == "f" else v.tolist() for n, v in columns.items()}
        return {"value": self.value, **plain}

    def to_frame(self) -> Tree:
        """A data frame with a row for each run, of pandas, polars or pyarrow.

        Raises:
            ModuleNotFoundError: none of the three libraries is installed.
        """
        columns = self.to_dict()
        del columns["value"]
        return frame_of(columns)

    def plot(self, *, title: str = "", unit: str = "") -> "Figure":
        """A picture: the runs by size and tokens, coloured by the change if left out.

        Args:
            title: of the figure.
            unit: of the quantity.

        Raises:
            ValueError: the runs have no sizes and tokens.
        """
        from fitting.reporting.run_figures import runs_by_influence  # the room is above

        return runs_by_influence(self, title=title, unit=unit)

    def _card(self) -> Card:
        table = self.table()
        more = len(table.rows) - MOST_ROWS
        note = f"The other {more} runs have less influence." if more > 0 else ""
        shown = table._replace(rows=table.rows[:MOST_ROWS], note=note)
        return Card(
            f"Influence of {len(self.rows)} runs on a quantity of {self.value:.6g}. Changes are in "
            "its unit",
            shown,
        )


def influence(
    result: FitResult[L_co],
    runs: Runs,
    quantity: Callable[[L_co], Array],
    *,
    num_refits: int = 1000,
    stages: Mapping[str, Runs] | None = None,
) -> Influence:
    """How much each run moves a quantity, by derivatives of the fit and by new fits.

    Args:
        result: the fit.
        runs: its runs, with those of its first stage where the fit was given one table.
        quantity: a JAX function from a law to a number, such as the logarithm of a planned size.
        num_refits: for how many runs, those of the largest influence to first order, the law is
            fitted again without the run. All new fits start from the optimum and run at once.
        stages: the runs of the fits that were frozen, by the name of the sub-law; see
            `fit_as_function`.

    Raises:
        ValueError: the runs are not those of the fit; the quantity is not one finite number.
        TypeError: as `fit_as_function`.

    With Huber's cost and a small delta, a small change of most losses has no effect: only their
    side of the law counts. Then `per_percent` is zero for most runs, and `if_left_out` says more.

    >>> from fitting import LogSquares, Runs, fit, influence
    >>> from jaxlaws.laws.kaplan import Kaplan
    >>> from jaxlaws.planning import compute_optimal
    >>> sizes, tokens = np.geomspace(1e7, 1e9, 9), np.tile([1e9, 4e9, 2e10], 3)
    >>> loss = (3e13 / sizes) ** 0.08 * (1 + 0.01 * np.sin(np.arange(9.0))) + 3e8 / tokens
    >>> runs = Runs.read({"num_params": sizes, "num_tokens": tokens, "loss": loss})
    >>> result = fit(Kaplan, runs, objective=LogSquares())
    >>> def planned_size(law):
    ...     return jnp.log(compute_optimal(law, flops=1e21).num_params)
    >>> found = influence(result, runs, planned_size)
    >>> found.per_percent.shape, bool(found.is_refit.all())
    ((9,), True)
    """
    check_integer("num_refits", num_refits, least=0)
    f = fit_as_function(result, runs, stages)
    num = len(f.losses)

    def of_data(losses: Array, weights: Array) -> Array:
        return jnp.asarray(quantity(f(losses, weights)))

    with float64():
        shape = jax.eval_shape(of_data, f.losses, np.ones(num)).shape
        if shape:
            raise ValueError(f"the quantity: expected one number, got an array of shape {shape}")
        value, (by_loss, by_weight) = jax.value_and_grad(of_data, argnums=(0, 1))(
            f.losses, np.ones(num)
        )
        if not np.isfinite(value):
            raise ValueError(f"the quantity of the fitted law is {float(value)}")
    by_weight = np.asarray(by_weight)
    first_order = f.beyond_first_order(by_weight) - by_weight
    chosen = np.argsort(-np.abs(first_order), kind="stable")[:num_refits]
    if_left_out, is_refit = first_order.copy(), np.zeros(num, dtype=bool)
    for place, changed in zip(chosen, _changes(f, chosen, quantity), strict=True):
        if np.isfinite(changed):
            if_left_out[place], is_refit[place] = changed - float(value), True
    tables = [runs.whole(), *(table.whole() for table in (stages or {}).values())]
    names = dict.fromkeys(name for table in tables for name in table.inputs)
    return Influence(
        value=float(value),
        per_percent=np.asarray(by_loss) * f.losses * _PERCENT,
        if_left_out=if_left_out,
        first_order=first_order,
        is_refit=is_refit,
        rows=np.concatenate([table.rows for table in tables]),
        sources=np.repeat([table.source for table in tables], [len(table) for table in tables]),
        losses=f.losses,
        inputs={
            name: np.concatenate(
                [table.inputs.get(name, np.full(len(table), np.nan)) for table in tables]
            )
            for name in names
        },
    )


def _changes(
    f: FitAsFunction[L_co], places: np.ndarray, quantity: Callable[[L_co], Array]
) -> np.ndarray:
    """The quantity of the law without each of some runs; NaN where the new fit did not converge."""
    found = np.full(len(places), np.nan)
    if len(places):
        laws, statuses = f.left_out(places.tolist())
        with float64():
            # One law after the other: plans of single laws are compiled already.
            for i in np.flatnonzero(statuses <= Status.FLAT_DIRECTION).tolist():
                found[i] = float(quantity(jax.tree.map(lambda leaf, i=i: leaf[i], laws)))
    return found
