"""`jaxlaws plan compare`: train, overtrain, distil, or use an existing teacher."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from jaxlaws.cli.answers.draws import SHARED_LAW, no_draws, num_draws
from jaxlaws.cli.answers.presentation import Answered, Presentation
from jaxlaws.cli.output.question_marks import failed, with_question_marks
from jaxlaws.cli.output.wording import INPUT_WORDS, active_bounds, ask_again, distance
from jaxlaws.foundations.annotations import Array, Json
from jaxlaws.foundations.text.cells import DISTANCE, cell
from jaxlaws.foundations.text.table_columns import flat, known, plain_inputs, table_of
from jaxlaws.foundations.text.tables import Table
from jaxlaws.planning import Comparison, Status, Winner, extrapolation_decades, plan_to_dict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STRATEGIES = {
    "train": "train",
    "overtrain": "overtrain",
    "distil": "distil",
    "use_teacher": "use the teacher",
}
# The keys of a row of the table of a single comparison, and its heading.
_ROWS = {
    ("loss",): "loss",
    ("num_params", "num_student_params"): "parameters",
    ("num_tokens", "num_student_tokens"): "tokens",
    ("num_teacher_params",): "teacher parameters",
    ("num_teacher_tokens",): "teacher tokens",
    ("teacher_loss",): "teacher loss",
    ("teacher",): "compute for the teacher",
    ("share_of_draws",): "best in draws",
}


def win_shares(winners: Array, strategies: Iterable[str]) -> dict[str, float]:
    """The share of the draws that each strategy wins, by the name of its `Winner`."""
    shares = {name.upper(): float(np.mean(winners == Winner[name.upper()])) for name in strategies}
    nothing = float(np.mean(winners == Winner.NONE))
    return shares | ({Winner.NONE.name: nothing} if nothing else {})


class Strategies(Presentation):
    """A `Comparison`: a row for each strategy, or for each comparison of a sweep."""

    picture_of = "a sweep of --flops"

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
        return all(plan.status == Status.INFEASIBLE for plan in result.options.values())

    def document(self, found: Answered) -> dict[str, Json]:
        """The winner, the plan of each strategy, and for a single answer the shares of draws."""
        plain = plan_to_dict(found.result)
        for part in ("options", "eligible"):
            plain[part] = {name: plain[part][name] for name in _STRATEGIES if name in plain[part]}
        for name, decades in _decades_of_each(found).items():
            plain["options"][name]["extrapolation_decades"] = known(decades)
        draws, options = found.draws_of_single, found.result.options
        shares = {} if draws is None else win_shares(draws.winner, options)
        return {
            "asked": plain_inputs(found.inputs),
            **({} if found.cost is None else {"prices": vars(found.cost)}),
            **plain,
            "reason": np.asarray(
                found.result.words(found.source.fitted_range, found.source.loss_unit)
            ).tolist(),
            "extrapolation_decades": known(found.decades),
            **({"probabilities": shares} if shares else {}),
        }

    def lead(self, found: Answered, document: dict[str, Json]) -> str:
        """The winner and the reason."""
        return "" if found.swept else f"Winner: {document['winner']}. {document['reason']}"

    def notes(self, found: Answered, document: dict[str, Json]) -> list[str]:
        """What is ruled out and why, and the confidence."""
        if found.swept:
            options, eligible = found.result.options, found.result.eligible
            masks = [eligible[name] for name in options]
            farthest = found.source.farthest(*options.values(), where=masks)
            far = distance(found.decades, farthest)
            return ["In brackets: ruled out.", far, *ask_again(found.source.name, found.decades)]
        return [
            *_ruled_out(document),
            *active_bounds(found.result.options.distil),
            *_unknown_distance(document),
            *_confidence(found, document),
            *ask_again(found.source.name, found.decades),
        ]

    def picture(self, found: Answered) -> "Figure":
        """The loss of each strategy against the budget, and the gain from a teacher."""
        from jaxlaws.figures.decisions import decision

        return decision(
            found.inputs["flops"],
            found.result,
            draws=found.draws,
            decades=found.decades,
            unit=found.source.loss_unit,
            title=self.picture_title(found),
        )

    def table(self, found: Answered, document: dict[str, Json]) -> Table:
        """A column for each strategy, or a row for each comparison. In brackets: ruled out."""
        values = with_question_marks(flat(document))
        for name, plan in document["options"].items():
            key = f"options.{name}.loss"
            losses = np.atleast_1d(np.array(values[key], dtype=object))
            out = ~np.atleast_1d(document["eligible"][name]) & ~failed(plan["status"])
            cells = [cell("loss", loss) for loss in losses]
            cells = [f"({c})" if o else c for c, o in zip(cells, out, strict=True)]
            values[key] = cells if found.swept else cells[0]
        if found.swept:
            shown = {f"asked.{name}": INPUT_WORDS[name] for name in found.swept}
            shown |= {"winner": "winner", "margin": "margin"}
            shown |= {f"options.{n}.loss": f"loss, {_STRATEGIES[n]}" for n in document["options"]}
            return table_of(values, shown | DISTANCE, "comparisons")
        shares, named = document.get("probabilities", {}), {}
        for name, plan in document["options"].items():
            named[name] = plan | {"loss": values[f"options.{name}.loss"]}
            if name == "distil" and plan["loss"] is not None:
                named[name]["teacher"] = plan["shares"]["logits"] + plan["shares"]["teacher"]
            if shares:
                named[name]["share_of_draws"] = shares.get(name.upper(), 0.0)
        rows = []
        for keys, words in _ROWS.items():
            known_keys = ([k for k in keys if own.get(k) is not None] for own in named.values())
            texts = [
                cell(keys[0], own[names[0]]) if names else ""
                for names, own in zip(known_keys, named.values(), strict=True)
            ]
            rows += [[words, *texts]] if any(texts) else []
        return Table(["", *(_STRATEGIES[name] for name in named)], rows)


def _decades_of_each(found: Answered) -> dict[str, Array]:
    ranges, shape = found.source.fitted_range, np.shape(found.result.winner)
    return {
        name: np.broadcast_to(extrapolation_decades(plan, ranges), shape)
        for name, plan in found.result.options.items()
    }


def _ruled_out(document: dict[str, Json]) -> list[str]:
    """Why strategies of a single comparison cannot win, a sentence each."""
    notes = []
    for name in _eligible(document, False):
        if failed(document["options"][name]["status"]):
            notes.append(f"Not solved: {_STRATEGIES[name]}; its loss may be too high.")
            continue
        why = "it is larger than the student"
        if document["options"][name]["loss"] is None:
            why = "it costs more than the budget"
        elif name == "overtrain":
            why = "the student is not smaller than the compute-optimal size"
        notes.append(f"Ruled out: {_STRATEGIES[name]}; {why}.")
    return notes


def _unknown_distance(document: dict[str, Json]) -> list[str]:
    """The eligible strategies without a fitted range. If all are, the reason says so already."""
    options, names = document["options"], _eligible(document, True)
    unknown = [_STRATEGIES[n] for n in names if options[n]["extrapolation_decades"] is None]
    some = 0 < len(unknown) < len(names)
    return [f"The fitted range is not known for: {', '.join(unknown)}."] if some else []


def _eligible(document: dict[str, Json], may_win: bool) -> list[str]:
    return [name for name, eligible in document["eligible"].items() if eligible == may_win]


def _confidence(found: Answered, document: dict[str, Json]) -> list[str]:
    if "probabilities" not in document:
        return [f"No confidence is available: {no_draws(found.source)}"]
    shares, total = dict(document["probabilities"]), num_draws(found.source.ensemble)
    wins = [f"It wins in {shares.pop(document['winner']):.0%} of the fit's {total} draws"]
    wins += [f"{name} in {share:.0%}" for name, share in shares.items() if share]
    notes = [f"{'; '.join(wins)}."]
    if found.source.supervised_is_constant:
        notes.append(f"{SHARED_LAW} that share.")
    return notes
