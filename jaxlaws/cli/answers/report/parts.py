"""The parts of a report, in their order."""

import datetime
import importlib.metadata
import platform
from collections.abc import Sequence

from fitting import markdown_table
from fitting.reporting.data_sections import data_section
from fitting.reporting.equations import equation_of, formula_of
from fitting.reporting.pages import Part, Picture
from fitting.reporting.trust_sections import as_sentence, trust_section
from jaxlaws import presets
from jaxlaws.cli.answers.caveats import add_caveats
from jaxlaws.cli.answers.draws import LEVEL
from jaxlaws.cli.answers.presentation import Answered
from jaxlaws.cli.answers.refining import refined
from jaxlaws.cli.answers.report.decisions import decision_parts, losses_part
from jaxlaws.cli.answers.report.saved_plans import answer_parts, in_words
from jaxlaws.cli.answers.report.subject import NUM_BAND_DRAWS, NUM_DRAWS, Subject
from jaxlaws.cli.output.printing import with_loss_unit
from jaxlaws.cli.output.question_marks import with_question_marks
from jaxlaws.foundations.law import coefficients
from jaxlaws.foundations.quantities import format_flops, format_quantity
from jaxlaws.foundations.text.cells import cell
from jaxlaws.foundations.text.escaping import markdown_text

_OTHER_SCENARIOS = "The same decision in each scenario of what the teacher costs:"


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
    if subject.saved is not None:
        return in_words(subject.saved)
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
    if subject.saved is not None:
        if not subject.is_saved_decision:
            return answer_parts(subject.saved)
        budget = f"{format_flops(subject.budget or 0)} FLOPs"
        answer = [*answer_parts(subject.saved, with_picture=False), _OTHER_SCENARIOS]
        return [*answer, *decision_parts(subject, budget)]
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
    return decision_parts(subject, budget)


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


def _sweep_table(subject: Subject) -> list[Part]:
    """The plans of a sweep that was asked for."""
    if subject.sweep is None:
        return []
    found = subject.planned_sweep
    table = found.kind.table(found, found.kind.document(found))
    table = with_loss_unit(table, subject.unit)
    return [markdown_table(table.heads, table.rows), *filter(None, [table.note])]


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
                f"is in {known.loss_unit} on {known.data}. {known.warning} {known.note}"
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
    shown: set[str] = set()
    if subject.saved is not None:
        return _plan(subject.saved, subject, shown)
    if not subject.may_plan:
        return ["There are no plans; see the answer."]
    parts = _plan(subject.planned, subject, shown)
    if not subject.may_distil:
        return parts
    parts.append(_allocation(subject))
    for name, each in subject.decisions.items():
        parts += _plan(each, subject, shown)
        if name == "full":
            parts.append(losses_part(subject))
    if subject.drawn.ensemble is not None:
        parts.append(
            f"Shares and intervals of decisions are over the first {NUM_DRAWS} bootstrap draws of "
            f"the fit, bands over the first {NUM_BAND_DRAWS}."
        )
    return parts


def _plan(found: Answered, subject: Subject, shown: set[str]) -> list[Part]:
    """The table of an answer, and its notes and caveats as a list, each sentence once."""
    document = add_caveats(found, found.kind.document(found))
    table = with_loss_unit(found.kind.table(found, document), subject.unit)
    heading = found.kind.heading(found)
    notes = [*filter(None, [table.note]), *found.kind.notes(found, document)]
    lines = [f"- {markdown_text(each)}" for each in notes]
    new = [each for each in document.get("caveats", []) if each not in shown]
    shown.update(new)
    lines += [f"- **Caveat**: {markdown_text(as_sentence(each))}" for each in new]
    return [
        f"### {markdown_text(heading[:1].upper() + heading[1:])}",
        markdown_table(table.heads, table.rows),
        *(["\n".join(lines)] if lines else []),
    ]


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
