"""`jaxlaws replan`: what new runs change in a plan."""

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path

from fitting import FitOptions, FitResult, Status
from fitting.estimation.stored_options import options_from_json
from jaxlaws.cli.answers.fits.plan_changes import Change, Changes, is_scale, number_cell
from jaxlaws.cli.answers.pipeline import COMMAND
from jaxlaws.cli.output.notices import show_notice
from jaxlaws.cli.output.printing import print_json, print_table
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.json_text import check_keys, is_finite_number, read_json_file
from jaxlaws.foundations.provenance import TableChanges, check_fingerprint
from jaxlaws.foundations.text.cells import heading
from jaxlaws.foundations.text.tables import Table

_MOST_ROWS_NAMED = 10


def read_plan(path: str) -> dict[str, Json]:
    """The JSON object of a plan that can be made again.

    Raises:
        DataError: the file holds no such object; the message says what it lacks.
    """
    document = read_json_file(path)
    again = "Make the plan again: jaxlaws plan ... --law fit.json --json > plan.json"
    if isinstance(document, dict) and "law" in document and "format" in document:
        raise DataError(f"{path} is the file of a law or a fit, not of a plan. {again}")
    if not isinstance(document, dict) or "asked" not in document:
        raise DataError(f"{path} is not the JSON object of a plan. {again}")
    if "provenance" not in document or not isinstance(document.get(COMMAND), str):
        raise DataError(
            f"{path} does not say what the plan was made of: an older version wrote it. {again}"
        )
    try:
        made = check_keys(
            "'provenance'", document["provenance"], ("law", "fit", "date", "versions")
        )
        check_keys("'law'", made["law"], ("name", "type", "sha256"))
        if made["fit"] is None:
            raise DataError(
                f"the law {made['law']['name']} has no fit to runs, so there is nothing to fit "
                "again: plan with the file of a fit, --law fit.json"
            )
        check_keys("'fit'", made["fit"], ("options", "reading", "provenance", "stages"))
        if not made["fit"]["provenance"]:
            raise DataError(
                "the fit does not say which runs it had: an older version made it. Fit again, and "
                "plan with the new file"
            )
        for each in (made["fit"]["provenance"], *made["fit"]["stages"].values()):
            check_fingerprint(each)
        for ends in document.get("intervals", {}).values():
            if not isinstance(ends, list) or len(ends) != 2 or not all(map(is_finite_number, ends)):
                raise DataError("'intervals': expected a low and a high number each")
        if any(isinstance(value, list) for value in document["asked"].values()):
            raise DataError("the plan is a sweep; a single plan can be made again")
    except (DataError, AttributeError) as error:
        raise DataError(f"{path}: {error}") from None
    return document


def options_of(made: Mapping[str, Json], fit_path: str | Path) -> FitOptions:
    """The options of the fit of a plan.

    Args:
        made: the provenance of the plan.
        fit_path: the file of the fit, which holds the fits that were frozen.

    Raises:
        DataError: the options are not those of a fit, or a frozen fit is not in the file.
    """
    options, stages = made["fit"]["options"], {}
    try:
        frozen = [each for each in options["freeze"].values() if isinstance(each, dict)]
        if any("stage" in each for each in frozen):
            stages = _stages(Path(fit_path), made["law"])
        return options_from_json(options, stages, None)
    except (LookupError, TypeError, AttributeError) as error:
        raise DataError(f"the options of the fit cannot be read: {error!r}") from None


def _stages(path: Path, law: Mapping[str, Json]) -> Mapping[str, FitResult]:
    """The fits of sub-laws in the file of the fit of a plan.

    Raises:
        DataError: it is not the file that the plan was made with.
    """
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != law["sha256"]:
        raise DataError(
            f"the fit of the plan used another fit, which only the file {law['name']} holds, as it "
            f"was when the plan was made: give it with --fit ({path} is not that file)"
        )
    return FitResult.load(path).stages


def show(
    changes: Changes,
    result: FitResult,
    document: Mapping[str, Json],
    *,
    as_json: bool,
) -> None:
    """Print what changed."""
    for sentence in _remarks(changes, result):
        show_notice(sentence)
    if as_json:
        print_json(
            {
                "decision_changed": changes.decision_changed,
                "reasons": list(changes.reasons),
                "runs": {name: dataclasses.asdict(each) for name, each in changes.tables.items()},
                "changes": [dataclasses.asdict(each) for each in changes.numbers],
                "plan": dict(document),
            }
        )
        return
    lead = "The decision stands."
    if changes.reasons:
        lead = f"The decision changed. {'; '.join(changes.reasons)}."
    rows = [
        [
            heading(each.name) if "." not in each.name else each.name,
            number_cell(each.name, each.before),
            number_cell(each.name, each.after),
            _difference(each),
            "–" if each.multiple is None else f"{each.multiple:+.2f}",
        ]
        for each in changes.numbers
        if (each.before or each.after) and each.name not in document["asked"]
    ]
    table = Table(["", "before", "now", "change", "of the interval"], rows)
    notes = [_in_words(name, each) for name, each in changes.tables.items()]
    notes.append(
        "of the interval: the change as a multiple of the length of the earlier interval, on a log "
        "scale for sizes, tokens and compute."
        if changes.has_intervals
        else "The earlier plan has no intervals: a planned size counts as another decision if it "
        "changed by more than 10%."
    )
    print_table(f"{document[COMMAND]}, before and now", table, notes, lead=lead)


def _remarks(changes: Changes, result: FitResult) -> list[str]:
    remarks = list(result.warnings)
    if result.status > Status.ON_BOUND:
        remarks.append(f"the new fit ended with the status {result.status.name}")
    for name, each in changes.tables.items():
        if each.lost:
            rows = ", ".join(map(str, each.lost[:_MOST_ROWS_NAMED]))
            more = ", …" if len(each.lost) > _MOST_ROWS_NAMED else ""
            remarks.append(
                f"{len(each.lost)} of the earlier {name} are gone or have other numbers (rows "
                f"{rows}{more} of the earlier table)"
            )
    if not any(each.added or each.lost for each in changes.tables.values()):
        remarks.append("the table has the runs of the plan, and no others")
    return remarks


def _in_words(name: str, change: TableChanges) -> str:
    return (
        f"{name}: {change.num_kept + len(change.lost)} before, "
        f"{change.num_kept + len(change.added)} now ({len(change.added)} added, "
        f"{len(change.lost)} gone)."
    )


def _difference(change: Change) -> str:
    if change.after is None:
        return "–"
    if is_scale(change.name) and change.before > 0:
        return f"{100 * (change.after / change.before - 1):+.3g}%"
    return f"{change.after - change.before:+.3g}"
