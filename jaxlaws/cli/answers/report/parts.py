"""The parts of a report, in their order."""

import datetime
import importlib.metadata
import platform
from collections.abc import Sequence

from fitting import markdown_table
from fitting.reporting.equations import equation_of, formula_of
from fitting.reporting.fit_sections import data_section, trust_section
from fitting.reporting.pages import Part, Picture
from jaxlaws import presets
from jaxlaws.cli.answers.caveats import add_caveats
from jaxlaws.cli.answers.draws import LEVEL
from jaxlaws.cli.answers.presentation import Answered
from jaxlaws.cli.answers.refining import refined
from jaxlaws.cli.answers.report.subject import NUM_DRAWS, Subject
from jaxlaws.cli.output.printing import with_loss_unit
from jaxlaws.cli.output.question_marks import with_question_marks
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.law import coefficients
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
_FREE = (
    "Where the training of the teacher is free (scenarios free and inference), the teacher may be "
    "as good as tokens can make it. Its tokens are not a plan: choose an existing teacher with "
    "`jaxlaws plan distill --teachers`."
)


def parts_of(subject: Subject, *, level: float = 0.9) -> list[Part]:
    """The whole report.

    Args:
        subject: what it is about.
        level: level of the intervals of coefficients.
    """
    parts: list[Part] = [f"# {markdown_text(subject.title)}"]
    parts += [subject.introduction] if subject.introduction else []
    parts += ["## The answer", *_answer(subject)]
    parts += ["## Data and fit", *_data(subject, level)]
    parts += ["## How far to trust the fit", *_trust(subject, level)]
    parts += ["## Plans", *_plans(subject)]
    return [*parts, "## How to reproduce this report", *_reproduction(subject)]


def in_short(subject: Subject) -> str:
    """The answer in a line without markup."""
    if not subject.may_plan:
        return "no plan: the law has other inputs than size and tokens, or no budget is known"
    budget = f"{format_flops(subject.budget or 0)} FLOPs"
    if not subject.may_distil:
        return f"{budget}: {_planned_words(subject)}"
    document = subject.decisions["full"].kind.document(subject.decisions["full"])
    share = document.get("probabilities", {}).get(document["winner"])
    words = "" if share is None else f", {cell('share_of_draws', share)} of the draws"
    margin = cell("margin", document["margin"])
    student = format_quantity(subject.student or 0)
    return f"{student} parameters, {budget}: {document['winner']}, margin {margin}{words}"


def _answer(subject: Subject) -> list[Part]:
    if not subject.may_plan:
        return [
            "This report has no plan: the law has other inputs than size and tokens, or no range "
            "of fitted runs is known and no budget was given. `jaxlaws plan train` plans with "
            "such a law, and `--flops` gives a budget."
        ]
    budget = f"{format_flops(subject.budget or 0)} FLOPs"
    if not subject.may_distil:
        answer = f"**With {budget}: {markdown_text(_planned_words(subject))}.**"
        outside = subject.planned.kind.notes(subject.planned, {})[-1]
        return [answer, markdown_text(outside), *_sweep_table(subject), _allocation(subject)]
    return _decision(subject, budget)


def _planned_words(subject: Subject) -> str:
    document = add_caveats(subject.planned, subject.planned.kind.document(subject.planned))
    if document.get("loss") is None:
        return "the runs do not determine the size and the tokens"
    size, tokens = (cell(name, document[name]) for name in ("num_params", "num_tokens"))
    words = f"train {size} parameters on {tokens} tokens"
    ends = document.get("intervals", {}).get("loss")
    spread = f" ({LEVEL:.0%}: {ends[0]:.4f} to {ends[1]:.4f})" if ends else ""
    loss = f"{with_question_marks(document)['loss']:.4f}"
    return f"{words}, for a loss of {loss} {subject.unit}{spread}"


def _decision(subject: Subject, budget: str) -> list[Part]:
    """The winner of each scenario, and the picture of all four."""
    rows, reasons, winners = [], [], {}
    for name, found in subject.decisions.items():
        document = found.kind.document(found)
        winners[name] = document["winner"]
        share = document.get("probabilities", {}).get(document["winner"])
        values = with_question_marks(flat(document | {"share_of_draws": share}))
        rows.append([name, *(cell(key, values.get(key)) for key in _DECISION)])
        reasons.append(f"- **{name}**: {markdown_text(document['reason'])}")
    student = f"a student of {format_quantity(subject.student or 0)} parameters"
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
        f"{_STRATEGIES[winner]} if the teacher's costs are those of {' or '.join(names)}"
        for winner, names in groups.items()
    ]
    return "; ".join(words)


def _gains(subject: Subject) -> list[str]:
    """The gain at the budget in each scenario, a phrase each."""
    from jaxlaws.figures.decisions import best_supervised

    phrases = []
    for name, found in subject.decisions.items():
        gain = float(best_supervised(found.result) - found.result.options.distil.loss)
        phrases.append(f"{name}: {gain:+.4f} {subject.unit}".rstrip())
    return phrases


def _sweep_table(subject: Subject) -> list[Part]:
    """The plans of a sweep that was asked for."""
    if subject.sweep is None:
        return []
    found = subject.planned_sweep
    return _table_of(found, add_caveats(found, found.kind.document(found)), subject)[:1]


def _allocation(subject: Subject) -> Picture:
    found = refined(subject.planned_sweep)
    plan, ends = found.result, (0, -1)
    sizes, losses = (
        [cell(name, float(getattr(plan, name)[end])) for end in ends]
        for name in ("num_params", "loss")
    )
    budgets = [format_flops(float(found.inputs["flops"][end])) for end in ends]
    return Picture(
        found.kind.picture(found),
        "allocation",
        "size, tokens, loss and tokens per parameter of the best model against compute",
        f"Compute-optimal training with {budgets[0]} to {budgets[1]} FLOPs: {sizes[0]} to "
        f"{sizes[1]} parameters, loss {losses[0]} to {losses[1]} {subject.unit}.",
    )


def _data(subject: Subject, level: float) -> list[Part]:
    parts: list[Part] = []
    for each in subject.fits:
        parts += [f"### The {markdown_text(each.name)} law", *data_section(each, level=level)]
    if parts:
        return parts
    law, name = subject.source.law, subject.source.name
    equation = equation_of(law) or formula_of(law)
    rows = [[key, f"{float(value):.6g}"] for key, value in coefficients(law).items()]
    known = presets.describe(name) if name in presets.names() else None
    if known is not None:
        parts.append(
            markdown_text(
                f"The law {name} is published: {known.source}. N counts {known.counts}; the loss "
                f"is in {known.loss_unit} on {known.data}. {known.note}"
            )
        )
    parts += [f"```\n{equation}\n```"] if equation else []
    return [*parts, markdown_table(["coefficient", "value"], rows)]


def _trust(subject: Subject, level: float) -> list[Part]:
    if not subject.fits:
        return ["The runs behind this law are not at hand, so that its errors are not known here."]
    parts: list[Part] = []
    for each in subject.fits:
        parts += [f"### The {markdown_text(each.name)} law", *trust_section(each, level=level)]
    return parts


def _plans(subject: Subject) -> list[Part]:
    """The plans behind the answer, with their caveats."""
    if not subject.may_plan:
        return ["There are no plans; see the answer."]
    found = subject.planned
    document = add_caveats(found, found.kind.document(found))
    parts: list[Part] = [
        f"### {markdown_text(found.kind.heading(found))}",
        *_table_of(found, document, subject),
    ]
    if not subject.may_distil:
        return parts
    parts.append(_allocation(subject))
    for name, each in subject.decisions.items():
        document = add_caveats(each, each.kind.document(each))
        parts += [
            f"### {markdown_text(each.kind.heading(each))}",
            *_table_of(each, document, subject),
        ]
        if name == "full":
            losses = [
                f"{n} {cell('loss', plan['loss'])}" for n, plan in document["options"].items()
            ]
            parts.append(
                Picture(
                    subject.losses_picture(),
                    "losses",
                    "the loss of each strategy, and the gain from a teacher, against compute",
                    f"Loss of each strategy in the scenario full. With "
                    f"{format_flops(subject.budget or 0)} FLOPs: {', '.join(losses)} "
                    f"{subject.unit}.",
                )
            )
    if subject.drawn.ensemble is not None:
        parts.append(
            f"Bands and shares of draws are over {NUM_DRAWS} bootstrap draws of the fit at most."
        )
    return parts


def _table_of(found: Answered, document: dict[str, Json], subject: Subject) -> list[Part]:
    """The table of an answer, and its notes and caveats as a list."""
    table = with_loss_unit(found.kind.table(found, document), subject.unit)
    notes = [*filter(None, [table.note]), *found.kind.notes(found, document)]
    lines = [f"- {markdown_text(each)}" for each in notes]
    lines += [f"- **Caveat**: {markdown_text(each)}" for each in document.get("caveats", [])]
    parts: list[Part] = [markdown_table(table.heads, table.rows)]
    return [*parts, "\n".join(lines)] if lines else parts


def _reproduction(subject: Subject) -> Sequence[Part]:
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("jaxlaws", "jax", "numpy")
    )
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    seeds = sorted({each.result.options.seed for each in subject.fits})
    seed = f" The seed of the fits is {', '.join(map(str, seeds))}." if seeds else ""
    lines = "\n".join(subject.commands)
    return [
        f"```sh\n{lines}\n```",
        f"Written on {today} with {versions} and Python {platform.python_version()}.{seed}",
    ]
