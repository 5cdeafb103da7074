"""`jaxlaws validate`: errors on the runs that a fit did not see."""

from collections.abc import Sequence

from fitting import HoldOut, RollOut, pooled_errors
from fitting.validation.hold_outs import error_summary
from jaxlaws.cli.output.printing import print_table
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.text.tables import Table

_MEASURES = {"mean": "mean (%)", "median": "median (%)", "worst": "worst (%)"}


def document_of(
    law_name: str, table: str, held: Sequence[HoldOut], rolled: RollOut | None
) -> dict[str, Json]:
    """The errors of hold-outs, and of the roll-out that they are of, as a JSON object."""
    document: dict[str, Json] = {
        "law": law_name,
        "table": table,
        "held_out": [each.summary() for each in held],
        "errors": {name: error_summary(errors) for name, errors in pooled_errors(held).items()},
    }
    if rolled is not None:
        by_distance = {name: rolled.by_distance(name) for name in held[0].errors}
        document |= {"by": rolled.by, "by_distance": by_distance}
    return document


def print_errors(document: dict[str, Json]) -> None:
    """Print the errors as tables: for each hold-out and for all, and by distance if rolled out."""
    entries = [
        ([each["name"], str(each["num_unseen"]), str(each["num_fitted"])], each["errors"])
        for each in document["held_out"]
    ]
    if len(entries) > 1:
        total = sum(each["num_unseen"] for each in document["held_out"])
        entries.append((["all", str(total), ""], document["errors"]))
    rows = [
        [*(first if index == 0 else ["", "", ""]), predictor, *_cells(errors)]
        for first, each in entries
        for index, (predictor, errors) in enumerate(each.items())
    ]
    title = f"{document['law']}: errors on runs of {document['table']} that the fit did not see"
    heads = ["held out", "runs", "fitted", "predictor", *_MEASURES.values()]
    print_table(title, Table(heads, rows))
    if "by" in document:
        print_by_distance(document["by"], document["by_distance"]["law"])


def print_by_distance(by: str, steps: Sequence[dict[str, Json]]) -> None:
    """Print the errors of a roll-out by distance, a row for each step."""
    rows = [
        [
            "{:.3g} to {:.3g}".format(*(10.0**end for end in step["decades"])),
            str(step["num_predictions"]),
            *_cells(step),
        ]
        for step in steps
    ]
    title = f"errors of the law by distance beyond the largest {by} fitted"
    print_table(title, Table(["times the largest", "predictions", *_MEASURES.values()], rows))


def _cells(errors: dict[str, float]) -> list[str]:
    return [f"{errors[measure]:.2f}" for measure in _MEASURES]
