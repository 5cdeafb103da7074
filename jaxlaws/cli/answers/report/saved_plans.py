"""A saved plan, sweep or comparison as the subject of a report: it is planned again as recorded."""

import contextlib
import shlex
from collections.abc import Sequence

import click
import numpy as np

from fitting import markdown_table
from fitting.reporting.pages import Part, Picture
from jaxlaws.cli.answers.caveats import add_caveats
from jaxlaws.cli.answers.pipeline import COMMAND, find, has_picture
from jaxlaws.cli.answers.presentation import Answered
from jaxlaws.cli.answers.refining import refined
from jaxlaws.cli.options.plan_options import RECEIVER
from jaxlaws.cli.output.printing import with_loss_unit
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.text.cells import WORDS, cell
from jaxlaws.foundations.text.escaping import markdown_text
from jaxlaws.foundations.text.table_columns import flat

_BUDGETS = np.logspace(-1.5, 1.5, 13)  # of the picture of a single answer, relative to its budget
_NUM_BAND_DRAWS = 40
_SAME = 1e-4  # relative difference of numbers that count as equal


def is_saved_plan(document: Json) -> bool:
    """Whether a JSON document is what a verb of `plan` prints with `--json`."""
    return isinstance(document, dict) and "asked" in document


def plan_again(path: str, document: dict[str, Json]) -> Answered:
    """The answer to the command that a saved plan records.

    The command may only plan. It writes no file, and imports no module of laws: these are given
    to the report.

    Raises:
        DataError: the command is not one of `plan`, or gives other numbers than the file has.
        ValueError, OSError: the command fails, for example because its law is not there.
    """
    command = document.get(COMMAND)
    if command is None:
        raise DataError(f"{path} has no {COMMAND!r}: save the plan again with --json")
    words = shlex.split(command) if isinstance(command, str) else []
    if words[:2] != ["jaxlaws", "plan"]:
        raise DataError(f"{path}: 'command' must begin with 'jaxlaws plan', got {command!r:.80}")
    received: list[Answered] = []
    root = click.get_current_context().find_root().command
    context = root.make_context("jaxlaws", without_modules(words[1:]))
    with context, contextlib.suppress(click.exceptions.Exit):  # such as of --help
        context.meta[RECEIVER] = lambda *asked: received.append(find(*asked))
        root.invoke(context)
    if not received:
        raise DataError(f"{path}: 'command' gives no plan: {command!r:.80}")
    found = received[0]
    now = flat(add_caveats(found, found.kind.document(found)))
    for key, value in flat(document).items():
        if key in now and not _is_same(value, now[key]):
            raise DataError(
                f"{path}: {key} is {cell(key, value)} in the file, and {cell(key, now[key])} with "
                f"the law of today, {found.source.name}: save the plan again with {command}"
            )
    return found


def without_modules(words: Sequence[str]) -> list[str]:
    """The words of a command, without the modules of laws that it imports."""
    kept, skip = [], False
    for word in words:
        if not skip and not word.startswith("--law-module"):
            kept.append(word)
        skip = not skip and word == "--law-module"
    return kept


def _is_same(before: Json, now: Json) -> bool:
    """Whether numbers agree; texts and whole numbers are not compared."""
    try:
        old, new = np.array(before, dtype=float), np.array(now, dtype=float)
    except (TypeError, ValueError):
        return True
    return old.shape == new.shape and np.allclose(old, new, rtol=_SAME, atol=1e-9, equal_nan=True)


def in_words(found: Answered) -> str:
    """The answer in a sentence."""
    document = add_caveats(found, found.kind.document(found))
    if lead := found.kind.lead(found, document):
        return lead
    values = {key: value for key, value in flat(document).items() if key in WORDS}
    if found.swept:
        size = len(found.inputs[found.swept[0]])
        ends = {key: (np.min(each), np.max(each)) for key, each in _known(values, size).items()}
        words = [f"{WORDS[key]} {cell(key, a)} to {cell(key, b)}" for key, (a, b) in ends.items()]
        return ": ".join(filter(None, [f"{size} {found.kind.entries}", ", ".join(words)]))
    shown = [f"{WORDS[key]} {cell(key, each)}" for key, each in values.items() if each is not None]
    return ": ".join(filter(None, [found.kind.heading(found), ", ".join(shown)]))


def _known(values: dict[str, Json], size: int) -> dict[str, np.ndarray]:
    """The numbers of a sweep that are known, by key; columns without any are left out."""
    arrays = {key: np.array(each, dtype=float) for key, each in values.items() if np.ndim(each)}
    found = {key: each[np.isfinite(each)] for key, each in arrays.items() if len(each) == size}
    return {key: each for key, each in found.items() if each.size}


def answer_parts(found: Answered, *, with_picture: bool = True) -> list[Part]:
    """The answer in a sentence, as a table, and as a picture where there is one."""
    document = add_caveats(found, found.kind.document(found))
    table = with_loss_unit(found.kind.table(found, document), found.source.loss_unit)
    words = in_words(found)
    parts: list[Part] = [
        f"**{markdown_text(words.rstrip('.'))}.**",
        markdown_table(table.heads, table.rows),
        *filter(None, [table.note]),
    ]
    shown = _in_picture(found) if with_picture else None
    if shown is None:
        return parts
    title = found.kind.heading(shown)
    picture = Picture(shown.kind.picture(refined(shown)), "plan", title, f"{title}. {words}")
    return [*parts, picture]


def _in_picture(found: Answered) -> Answered | None:
    """What a picture shows: the answer, or answers for budgets around it; None without any."""
    if has_picture(found.kind, found.inputs):
        return found
    around = {**found.inputs, "flops": found.inputs.get("flops", np.nan) * _BUDGETS}
    if found.swept or "flops" not in found.inputs or not has_picture(found.kind, around):
        return None
    return find(found.kind, found.question, around, found.source.with_draws(_NUM_BAND_DRAWS))
