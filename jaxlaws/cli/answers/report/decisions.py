"""The decision of a report: train, overtrain or distil, in each scenario of the teacher's costs."""

from collections.abc import Sequence

import numpy as np

from fitting import markdown_table
from fitting.reporting.pages import Part, Picture
from jaxlaws.cli.answers.report.subject import Subject
from jaxlaws.cli.options.plan_options import SCENARIOS
from jaxlaws.cli.output.question_marks import with_question_marks
from jaxlaws.foundations.quantities import format_flops, format_quantity
from jaxlaws.foundations.text.cells import DISTANCE, cell
from jaxlaws.foundations.text.escaping import markdown_text
from jaxlaws.foundations.text.table_columns import flat

_DECISION = {
    "winner": "winner",
    "margin": "margin",
    "share_of_draws": "draws",
    "options.train.loss": "train",
    "options.overtrain.loss": "overtrain",
    "options.distil.loss": "distil",
    "options.distil.teacher_loss": "teacher",
    **DISTANCE,
}
_STRATEGIES = {
    "TRAIN": "train without a teacher",
    "OVERTRAIN": "overtrain a smaller model",
    "DISTIL": "distil from a teacher",
    "USE_TEACHER": "use the teacher itself",
    "NONE": "nothing can be paid for",
}
_MOST_ROWS = 9  # of the winners along a sweep
_FREE = (
    "Where the training of the teacher is free (scenarios free and inference), the teacher may be "
    "as good as tokens can make it. Its tokens are not a plan: choose an existing teacher with "
    "`jaxlaws plan distill --teachers`."
)


def decision_parts(subject: Subject, budget: str) -> list[Part]:
    """The winner of each scenario, and the picture of all four."""
    rows, reasons, winners = [], [], {}
    for name, found in subject.decisions.items():
        document = found.kind.document(found)
        winners[name] = document["winner"]
        share = document.get("probabilities", {}).get(document["winner"])
        values = with_question_marks(flat(document | {"share_of_draws": share}))
        values["winner"] = _plain(document["winner"])
        charged = f"({SCENARIOS[name][1].rstrip('.')})"
        reasons.append(f"- **{name}** {charged}: {markdown_text(document['reason'])}")
        rows.append([name, *(cell(key, values.get(key)) for key in _DECISION)])
    student = "a student of any size"
    if subject.student is not None:
        student = f"a student of {format_quantity(subject.student)} parameters"
    answer = f"**With {budget} and {student}: {_winners_in_words(winners)}.**"
    unit = f" ({subject.unit})" if subject.unit else ""
    heads = [f"{words}{unit}" if "loss" in key or key == "margin" else words
             for key, words in _DECISION.items()]  # fmt: skip
    picture = Picture(
        subject.decision_picture(),
        "decision",
        "the gain from a teacher against compute, a panel for each scenario",
        f"The loss of the best model without a teacher minus that of {student} with one, in four "
        "scenarios of what the teacher costs. Above zero the teacher helps. "
        + "; ".join(_gains(subject)) + ".",
    )  # fmt: skip
    return [
        answer,
        markdown_table(["scenario", *heads], rows),
        *_winners_along(subject),
        picture,
        "\n".join(reasons),
        _FREE,
    ]


def _winners_in_words(winners: dict[str, str]) -> str:
    """What wins, and in which scenarios."""
    groups: dict[str, list[str]] = {}
    for name, winner in winners.items():
        groups.setdefault(winner, []).append(name)
    if len(groups) == 1:
        return f"{_STRATEGIES[next(iter(groups))]}, in every scenario"
    words = [
        f"{_STRATEGIES[winner]} in the scenario{'s' if len(names) > 1 else ''} {_and(names)}"
        for winner, names in groups.items()
    ]
    return "; ".join(words)


def _and(names: Sequence[str]) -> str:
    """Names in a row: `free, inference and full`."""
    return " and ".join([*filter(None, [", ".join(names[:-1])]), names[-1]])


def _gains(subject: Subject) -> list[str]:
    """The gain at the budget in each scenario, a phrase each."""
    from jaxlaws.figures.decisions import best_supervised

    phrases = []
    for name, found in subject.decisions.items():
        gain = float(best_supervised(found.result) - found.result.options.distil.loss)
        phrases.append(f"{name}: {gain:+.4f} {subject.unit}".rstrip())
    return phrases


def _winners_along(subject: Subject) -> list[Part]:
    """What wins in each scenario along a sweep that was asked for."""
    if subject.sweep is None:
        return []
    count = min(len(subject.sweep), _MOST_ROWS)
    places = sorted({round(i) for i in np.linspace(0, len(subject.sweep) - 1, count).tolist()})
    found = subject.decision_sweeps
    words = {n: each.kind.document(each)["winner"] for n, each in found.items()}
    rows = [
        [
            format_flops(budget),
            *(_plain(words[n][np.searchsorted(subject.curve, budget)]) for n in found),
        ]
        for budget in subject.sweep[places].tolist()
    ]
    return [markdown_table(["budget (FLOPs)", *found], rows)]


def _plain(winner: str) -> str:
    return winner.lower().replace("_", " ")


def losses_part(subject: Subject) -> Picture:
    """The loss of each strategy along the budgets, where the teacher costs everything."""
    found = subject.decisions["full"]
    losses = [
        f"{_plain(name)} {cell('loss', float(plan.loss))}"
        for name, plan in found.result.options.items()
    ]
    return Picture(
        subject.losses_picture(),
        "losses",
        "the loss of each strategy, and the gain from a teacher, against compute",
        f"Loss of each strategy in the scenario full. With {format_flops(subject.budget or 0)} "
        f"FLOPs: {', '.join(losses)} {subject.unit}.",
    )
