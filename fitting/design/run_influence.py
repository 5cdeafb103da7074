"""How much each run moves a quantity that is computed from the fitted law."""

import dataclasses
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from fitting.data.runs import Runs
from fitting.design.data_function import fit_as_function
from fitting.estimation.options import check_integer
from fitting.estimation.results import FitResult, L_co
from fitting.minimiser.status import Status
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.text.cards import MOST_ROWS, Card, Displayed
from jaxlaws.foundations.text.tables import Table
from jaxlaws.precision import float64

_PERCENT = 0.01


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Influence(Displayed):
    """How much each run moves a quantity; changes are in the unit of the quantity.

    The runs are those of the table of the fit, then those of each table in `stages`.

    Attributes:
        value: the quantity for the fitted law.
        per_percent: the change per 1% of the loss of each run, to first order, `(num_runs,)`; with
            several outcomes `(num_runs, num_outcomes)`.
        if_left_out: the change if a run is left out, by one step of Newton's method, `(num_runs,)`.
        refitted: the places of the runs whose influence was computed by a new fit as well, the
            largest first, `(num_refits,)`.
        exact: the change if each of these is left out, `(num_refits,)`; NaN where the new fit did
            not converge.
        rows: the row of each run in its source, as a person counts, `(num_runs,)`.
        sources: the source of each run, `(num_runs,)`.
        losses: of each run, as in `per_percent`.
    """

    value: float
    per_percent: np.ndarray
    if_left_out: np.ndarray
    refitted: np.ndarray
    exact: np.ndarray
    rows: np.ndarray
    sources: np.ndarray
    losses: np.ndarray

    @property
    def order(self) -> np.ndarray:
        """The runs, the largest change first: exact where it is known, else to first order."""
        change = self.if_left_out.copy()
        known = np.isfinite(self.exact)
        change[self.refitted[known]] = self.exact[known]
        return np.argsort(-np.abs(change), kind="stable")

    def table(self) -> Table:
        """A row for each run, in `order`: loss, change per 1%, and change if left out."""
        exact = dict(zip(self.refitted.tolist(), self.exact.tolist(), strict=True))
        per_percent = self.per_percent.reshape(len(self.rows), -1)
        largest = np.take_along_axis(
            per_percent, np.abs(per_percent).argmax(axis=1, keepdims=True), 1
        )[:, 0]
        several = len(np.unique(self.sources)) > 1
        rows = []
        for i in self.order.tolist():
            number = exact.get(i, np.nan)
            rows.append(
                [
                    *([str(self.sources[i])] if several else []),
                    str(self.rows[i]),
                    ", ".join(f"{loss:.4f}" for loss in np.ravel(self.losses[i])),
                    f"{largest[i]:+.3g}",
                    f"{self.if_left_out[i]:+.3g}",
                    f"{number:+.3g}" if np.isfinite(number) else "",
                ]
            )
        heads = ["row", "loss", "per 1%", "left out (one step)", "left out (refit)"]
        return Table([*(["table"] if several else []), *heads], rows, num_keys=1 + several)

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
    num_refits: int = 10,
    stages: Mapping[str, Runs] | None = None,
) -> Influence:
    """How much each run moves a quantity, by derivatives of the fit and by some new fits.

    Args:
        result: the fit.
        runs: its runs, with those of its first stage where the fit was given one table.
        quantity: a JAX function from a law to a number, such as the logarithm of a planned size.
        num_refits: for how many runs of the largest influence the law is fitted again without it.
        stages: the runs of the fits that were frozen, by the name of the sub-law; see
            `fit_as_function`.

    Raises:
        ValueError: the runs are not those of the fit; the quantity is not one finite number.
        TypeError: as `fit_as_function`.

    With Huber's cost and a small delta, a small change of most losses has no effect: only their
    side of the law counts. Then use `if_left_out`, with `num_refits=len(runs)`: one step of Newton
    is not accurate there.

    >>> from fitting import LogSquares, Runs, fit, influence
    >>> from jaxlaws.laws.kaplan import Kaplan
    >>> from jaxlaws.planning import compute_optimal
    >>> sizes, tokens = np.geomspace(1e7, 1e9, 9), np.tile([1e9, 4e9, 2e10], 3)
    >>> loss = (3e13 / sizes) ** 0.08 * (1 + 0.01 * np.sin(np.arange(9.0))) + 3e8 / tokens
    >>> runs = Runs.read({"num_params": sizes, "num_tokens": tokens, "loss": loss})
    >>> result = fit(Kaplan, runs, objective=LogSquares())
    >>> def planned_size(law):
    ...     return jnp.log(compute_optimal(law, flops=1e21).num_params)
    >>> found = influence(result, runs, planned_size, num_refits=3)
    >>> found.per_percent.shape, found.refitted.shape
    ((9,), (3,))
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
    if_left_out = -np.asarray(by_weight) / (1 - f.leverages())
    refitted = np.argsort(-np.abs(if_left_out), kind="stable")[:num_refits]
    exact = np.full(len(refitted), np.nan)
    for i, place in enumerate(refitted.tolist()):
        law, status = f.with_status(weights=np.where(np.arange(num) == place, 0.0, 1.0))
        if status <= Status.FLAT_DIRECTION:
            with float64():
                exact[i] = float(quantity(law)) - float(value)
    tables = [runs.whole(), *(table.whole() for table in (stages or {}).values())]
    return Influence(
        value=float(value),
        per_percent=np.asarray(by_loss) * f.losses * _PERCENT,
        if_left_out=if_left_out,
        refitted=refitted,
        exact=exact,
        rows=np.concatenate([table.rows for table in tables]),
        sources=np.repeat([table.source for table in tables], [len(table) for table in tables]),
        losses=f.losses,
    )
