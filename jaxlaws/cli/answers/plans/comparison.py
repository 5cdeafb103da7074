"""`jaxlaws plan compare`: train, overtrain, distil, or use an existing teacher."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from jaxlaws.annotations import Array, Json
from jaxlaws.cli.answers.draws import NO_DRAWS, SHARED_LAW, num_draws
from jaxlaws.cli.answers.presentation import Answered, Columns, Presentation
from jaxlaws.cli.output.printing import Table
from jaxlaws.cli.output.table_columns import known, plain_inputs
from jaxlaws.cli.output.wording import active_bounds, cell, cells, distance
from jaxlaws.planning import Comparison, Winner, extrapolation_decades, plan_to_dict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STRATEGIES = {
    "train": "train",
    "overtrain": "overtrain",
    "distil": "distil",
    "use_teacher": "use the teacher",
}


def win_shares(winners: Array, strategies: Iterable[str]) -> dict[str, float]:
    """The share of the draws that each strategy wins, by the name of its `Winner`."""
    shares = {name.upper(): float(np.mean(winners == Winner[name.upper()])) for name in strategies}
    nothing = float(np.mean(winners == Winner.NONE))
    return shares | ({Winner.NONE.name: nothing} if nothing else {})


class Strategies(Presentation):
    """A `Comparison`: a row for each strategy, or for each comparison of a sweep."""

    picture_of = "a sweep of --flops"
    entries = "comparisons"

    def decades(self, found: Answered) -> Array:
        """The distance of the eligible strategy that is farthest from the fitted range.

        NaN where the distance of an eligible strategy is not known, and no other is outside.
        """
        eligible, decades = found.result.eligible, _decades_of_each(found)
        farthest = np.fmax.reduce([np.where(eligible[n], decades[n], np.nan) for n in decades])
        unknown = np.any([eligible[n] & np.isnan(decades[n]) for n in decades], axis=0)
        return np.where(unknown & (farthest <= 0), np.nan, farthest)

    def is_infeasible(self, result: Comparison) -> bool:
        """Whether the budget does not pay for any strategy."""
        return bool(result.winner == Winner.NONE)

    def document(self, found: Answered) -> dict[str, Json]:
        """The winner, the plan of each strategy, and for a single answer the shares of draws."""
        plain = plan_to_dict(found.result)
        for name, decades in _decades_of_each(found).items():
            plain["options"][name]["extrapolation_decades"] = known(decades)
        shares = _shares(found)
        return {
            "asked": plain_inputs(found.inputs),
            **plain,
            "reason": np.asarray(found.result.words(found.source.fitted_range)).tolist(),
            "extrapolation_decades": known(found.decades),
            **({"probabilities": shares} if shares else {}),
        }

    def notes(self, found: Answered) -> list[str]:
        """The winner and the reason, what is ruled out and why, and the confidence."""
        if found.swept:
            return ["In brackets: ruled out.", distance(found.decades)]
        comparison, winner = found.result, Winner(int(found.result.winner)).name
        return [
            f"Winner: {winner}. {comparison.words(found.source.fitted_range)}",
            *_ruled_out(comparison),
            *active_bounds(vars(comparison.options.distil)),
            *_unknown_distance(found),
            *_confidence(winner, found),
        ]

    def picture(self, found: Answered, *, budget: float | None = None) -> "Figure":
        """The loss of each strategy against the budget, with a line at one budget."""
        from jaxlaws.figures.plans import decision

        return decision(
            found.inputs["flops"],
            found.result,
            draws=found.draws,
            decades=found.decades,
            budget=budget,
            title=self.heading(found),
        )

    def _single(self, found: Answered) -> Table:
        comparison, shares, rows = found.result, _shares(found), []
        for name, plan in comparison.options.items():
            values = vars(plan)
            paid = plan.shares.logits + plan.shares.teacher if name == "distil" else None
            rows.append(
                [
                    _STRATEGIES[name],
                    _loss_cells(comparison, name)(()),
                    cell("size", values.get("num_params", values.get("num_student_params"))),
                    cell("tokens", values.get("num_tokens", values.get("num_student_tokens"))),
                    cell("size", values.get("num_teacher_params")),
                    cell("tokens", values.get("num_teacher_tokens")),
                    cell("loss", values.get("teacher_loss")),
                    cell("teacher", paid),
                    *([cell("share_of_draws", shares[name.upper()])] if shares else []),
                ]
            )
        heads = ["", "loss", "parameters", "tokens", "teacher", "teacher tokens", "teacher loss"]
        heads += ["teacher's share", *(["share of draws"] if shares else [])]
        return Table(heads, rows)

    def _columns(self, found: Answered) -> Columns:
        comparison = found.result
        losses = {f"loss, {_STRATEGIES[n]}": _loss_cells(comparison, n) for n in comparison.options}
        return {
            "winner": lambda row: Winner(int(comparison.winner[row])).name,
            "margin": cells("margin", comparison.margin),
            **losses,
            "decades outside": cells("decades", found.decades),
        }


def _decades_of_each(found: Answered) -> dict[str, Array]:
    ranges, shape = found.source.fitted_range, np.shape(found.result.winner)
    return {
        name: np.broadcast_to(extrapolation_decades(plan, ranges), shape)
        for name, plan in found.result.options.items()
    }


def _shares(found: Answered) -> dict[str, float]:
    """The shares of the draws that the strategies win, for a single answer."""
    if found.swept or found.draws is None:
        return {}
    return win_shares(found.draws.winner, found.result.options)


def _loss_cells(comparison: Comparison, name: str) -> Callable[[int | tuple[()]], str]:
    """A column of losses, in brackets where the strategy is ruled out."""
    losses, eligible = np.asarray(comparison.options[name].loss), comparison.eligible[name]

    def text(row: int | tuple[()]) -> str:
        loss = cell("loss", losses[row])
        return loss if np.asarray(eligible)[row] else f"({loss})"

    return text


def _ruled_out(comparison: Comparison) -> list[str]:
    """Why strategies of a single comparison cannot win, a sentence each."""
    notes = []
    for name, plan in comparison.options.items():
        why = "it is larger than the student"
        if np.isnan(plan.loss):
            why = "it costs more than the budget"
        elif name == "overtrain":
            why = "the student is not smaller than the compute-optimal size"
        if not comparison.eligible[name]:
            notes.append(f"Ruled out: {_STRATEGIES[name]}; {why}.")
    return notes


def _unknown_distance(found: Answered) -> list[str]:
    """The eligible strategies without a fitted range. If all are, the reason says so already."""
    decades = _decades_of_each(found)
    eligible = [name for name in decades if found.result.eligible[name]]
    unknown = [_STRATEGIES[name] for name in eligible if np.isnan(decades[name])]
    if not unknown or len(unknown) == len(eligible):
        return []
    return [f"The fitted range is not known for: {', '.join(unknown)}."]


def _confidence(winner: str, found: Answered) -> list[str]:
    if found.draws is None:
        return [f"No confidence is available: {NO_DRAWS}"]
    shares, total = _shares(found), num_draws(found.source.ensemble)
    wins = [f"It wins in {shares.pop(winner):.0%} of the fit's {total} draws"]
    wins += [f"{name} in {share:.0%}" for name, share in shares.items() if share]
    notes = [f"{'; '.join(wins)}."]
    if found.source.supervised_is_constant:
        notes.append(f"{SHARED_LAW} that share.")
    if found.decades != 0:
        notes.append("Outside the fitted runs the form of the law is not certain either.")
    return notes
