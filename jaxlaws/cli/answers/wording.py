"""A plan in cells and sentences."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.planning import Status

WORDS = {
    "num_params": "parameters",
    "num_tokens": "tokens",
    "num_unique_tokens": "distinct tokens",
    "num_epochs": "epochs",
    "num_student_params": "student parameters",
    "num_student_tokens": "student tokens",
    "num_teacher_params": "teacher parameters",
    "num_teacher_tokens": "teacher tokens",
    "teacher_loss": "teacher loss",
    "loss": "loss",
    "flops": "FLOPs",
}
ASKED = WORDS | {
    "flops": "budget",
    "target_loss": "target loss",
    "num_inference_tokens": "tokens served",
    "num_unique_tokens": "distinct tokens at hand",
}
PAID = {
    "student": "training",
    "logits": "the teacher's logits",
    "teacher": "training the teacher",
    "serving": "serving",
}

_UNSOLVED = {
    "INFEASIBLE": "cannot be paid for: raise --flops",
    "NOT_CONVERGED": "did not converge: not to be relied on",
    "NON_FINITE": "have no finite loss under this law",
}


def cell(name: str, value: Any) -> str:
    """A number as a table shows it, by the name of its field; a dash for none."""
    if value is None or not np.isfinite(value):
        return "–"
    if "loss" in name or name == "margin":
        return f"{value:.4f}"
    if name in PAID:
        return f"{value:.1%}"
    return format_quantity(value)


def distance(decades: Any) -> str:
    """How far outside the fitted range, in words; several are told by the farthest."""
    decades = np.asarray(decades, dtype=float)
    if np.isnan(decades).all():
        return "The range that the law was fitted to is not known: this may be an extrapolation."
    farthest = np.nanmax(decades)
    if farthest <= 0:
        return "Within the range that the law was fitted to."
    told = f"{farthest:.1f}" if farthest >= 0.05 else f"{farthest:.2g}"
    where = f"{told} decades outside the range that the law was fitted to"
    if decades.ndim == 0:
        return f"{where}: an extrapolation."
    return f"{np.sum(decades > 0)} of {decades.size} are extrapolations, up to {where}."


def active_bounds(plan: Any) -> list[str]:
    """Which bounds a single plan is on."""
    return [
        f"{WORDS[name].capitalize()}: on the {_end(side)} bound, {cell(name, getattr(plan, name))}."
        for name, side in plan.active_bounds.items()
        if side
    ]


def remarks(plan: Any, budget: float) -> list[str]:
    """What else is to be said of a single plan: its bounds, and what it leaves unspent."""
    told = active_bounds(plan)
    if plan.status <= Status.BUDGET_UNSPENT and np.isnan(getattr(plan, "num_teacher_params", 0)):
        told.append("The teacher costs nothing: its loss is chosen, its size is left open.")
    if plan.status == Status.BUDGET_UNSPENT:
        told.append(
            f"Spends {format_quantity(plan.flops)} of {format_quantity(budget)} FLOPs: more would "
            "not help, or a bound is in the way."
        )
    elif plan.status <= Status.BUDGET_UNSPENT and plan.marginal_values.flops > 0:
        more = 0.01 * plan.marginal_values.flops
        told.append(f"One per cent more compute would lower the loss by {more:.2g}.")
    elif plan.status > Status.BUDGET_UNSPENT:
        told.append(f"This plan {_UNSOLVED[Status(int(plan.status)).name].replace('have', 'has')}.")
    return told


def _end(side: Any) -> str:
    return "lower" if side < 0 else "upper"


def counts(statuses: list[str], asked: Mapping[str, Any]) -> list[str]:
    """How many plans of a sweep are none."""
    unsolved = dict(_UNSOLVED)
    if "target_loss" in asked:
        unsolved["INFEASIBLE"] = "have a loss that no model reaches: raise --target-loss"
    return [
        f"{statuses.count(name)} of {len(statuses)} plans {words}."
        for name, words in unsolved.items()
        if name in statuses
    ]


def why_infeasible(asked: Mapping[str, Any], forward_flops: Any) -> str:
    """Why a single question has no plan, and what to do."""
    if "target_loss" in asked:
        return (
            f"no model reaches a loss of {asked['target_loss']:g} under this law: raise "
            "--target-loss above the irreducible loss"
        )
    budget = format_quantity(asked["flops"])
    size = asked.get("num_params", asked.get("num_student_params"))
    served = asked["num_inference_tokens"]
    if size is not None and served:
        serving = float(forward_flops(size)) * served * asked.get("num_students", 1)
        if serving >= asked["flops"]:
            return (
                f"a budget of {budget} FLOPs does not pay for serving {format_quantity(served)} "
                f"tokens at {format_quantity(size)} parameters, which takes "
                f"{format_quantity(serving)}: raise --flops, or lower the size or "
                "--inference-tokens"
            )
    what = " once serving is paid" if served else ""
    return (
        f"a budget of {budget} FLOPs pays for no plan{what}: even the fewest tokens, and the "
        "smallest of the sizes that are free, cost more; raise --flops, or lower what is fixed"
    )
