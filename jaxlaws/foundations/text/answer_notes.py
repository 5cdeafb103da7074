"""Sentences below the table of an answer: why there is no plan, the unit, and the fitted range."""

from collections.abc import Mapping

import numpy as np

from jaxlaws.foundations.annotations import Json

_SOLVED = ("CONVERGED", "ON_BOUND", "BUDGET_UNSPENT")  # as `is_solved` has it
_WHY = {
    "INFEASIBLE": "INFEASIBLE: the budget pays for no plan within the bounds, or no model reaches "
    "the loss. Raise the budget or the loss, or lower what is fixed.",
    "NOT_CONVERGED": "NOT_CONVERGED: the search ended where there may be no minimum; a better plan "
    "may exist.",
    "NON_FINITE": "NON_FINITE: the law predicts a loss that is not a finite number. Check its "
    "coefficients and the inputs.",
}
_TOKENS = {"num_tokens", "num_student_tokens"}
_UNIT = "Losses are in the law's unit: nats per token, unless its preset says otherwise."
_DISTANCE = "Distance from the fitted runs: extrapolation_decades(plan, fitted_range)."


def unsolved(document: Mapping[str, Json]) -> list[str]:
    """The statuses of entries without a solution, how many have each, and what they mean.

    Args:
        document: the answer as a dictionary; dots join nested names.

    >>> unsolved({"status": ["CONVERGED", "INFEASIBLE"]})[0]
    '1 of 2 entries are INFEASIBLE'
    """
    notes, reasons = [], {}
    for key in [each for each in document if each.rpartition(".")[2] == "status"]:
        found = np.ravel(np.array(document[key], dtype=object)).astype(str)
        part = key.rpartition(".")[0].rpartition(".")[2]
        for status in [each for each in dict.fromkeys(found) if each not in _SOLVED]:
            reasons[status] = _WHY.get(status)
            if len(found) > 1:
                of = f"{part}: " if part else ""
                notes.append(f"{of}{np.sum(found == status)} of {len(found)} entries are {status}")
            elif part:
                notes.append(f"{part}: {status}")
    return notes + [each for each in reasons.values() if each]


def on_losses(document: Mapping[str, Json], *, judged: bool) -> list[str]:
    """The unit of losses, and how to find how far plans are outside the fitted runs.

    Args:
        document: the answer as a dictionary; dots join nested names.
        judged: whether another sentence says how far.
    """
    values = [value for key, value in document.items() if "loss" in key.rpartition(".")[2]]
    if not any(np.ravel(np.array(value, dtype=object)).astype(bool).any() for value in values):
        return []  # there is no plan
    is_plan = "status" in document and _TOKENS & document.keys()
    return [_UNIT, *([_DISTANCE] if is_plan and not judged else [])]
