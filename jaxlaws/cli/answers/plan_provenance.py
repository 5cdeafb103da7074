"""What a plan was made of: the key `provenance` of its JSON object."""

import datetime
import hashlib
from pathlib import Path

from jaxlaws.cli.options.law_source import Source
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.provenance import versions
from jaxlaws.saving import law_class_name


def provenance_of(source: Source) -> dict[str, Json]:
    """What a plan was made of: the law, the fit with its runs, the date and versions."""
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
        "law": {
            "name": path.name,
            "type": law_class_name(type(law)),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None,
        },
        "fit": fit,
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "versions": versions(),
    }
