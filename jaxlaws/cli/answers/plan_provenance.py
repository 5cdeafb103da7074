"""What a plan was made of: the key `provenance` of its JSON object."""

import datetime
import hashlib
import shlex
from pathlib import Path

import click

from jaxlaws.cli.options.common_options import words_without
from jaxlaws.cli.options.law_source import Source
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.provenance import versions
from jaxlaws.saving import law_class_name

_NOT_OF_THE_QUESTION = ("law_name", "output", "as_json", "law_module", "force")


def asked_words() -> str:
    """The command line of the verb that runs, without the law and where the answer goes."""
    context = click.get_current_context()
    words = words_without(context, _NOT_OF_THE_QUESTION)
    return shlex.join(["plan", str(context.command.name), *words])


def provenance_of(source: Source, question: str) -> dict[str, Json]:
    """What a plan was made of: the question, the law, the fit with its runs, and versions.

    Args:
        source: the law.
        question: the verb and its options, as `asked_words` gives them.
    """
    path, fit = Path(source.name), None
    if source.fit is not None:
        from fitting.estimation.stored_options import options_to_json

        fit = {
            "options": options_to_json(source.fit.options),
            "reading": dict(source.fit.reading),
            "provenance": dict(source.fit.provenance),
            "stages": {name: dict(each.provenance) for name, each in source.fit.stages.items()},
        }
    law = source.law if source.fit is None else source.fit.law
    return {
        "question": question,
        "law": {
            "name": path.name,
            "type": law_class_name(type(law)),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None,
        },
        "fit": fit,
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "versions": versions(),
    }
