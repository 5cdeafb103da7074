"""Plans in sentences."""

from collections.abc import Mapping

import numpy as np

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.quantities import format_flops, format_quantity
from jaxlaws.foundations.text.cells import WORDS, cell, times_outside
from jaxlaws.planning import Costs, Status, is_solved

INPUT_WORDS = WORDS | {
    "flops": "budget (FLOPs)",
    "target_loss": "target loss",
    "dollars": "dollars",
    "num_inference_tokens": "tokens served",
    "num_unique_tokens": "distinct tokens available",
    "size_fraction": "fraction of the optimal size",
}
_GOALS = {
    "flops": "{} FLOPs",
    "dollars": "{} dollars",
    "target_loss": "loss {}",
    "num_student_params": "student {}",
}
_UNSOLVED = {
    "INFEASIBLE": "cannot be paid for: raise --flops",
    "NOT_CONVERGED": "did not converge: do not rely on this",
    "NON_FINITE": "have no finite loss under this law",
}

# Presets of other forms or coefficients for the same runs.
_SECOND_LAWS = {
    "busbridge2025_refit": "busbridge2025_consistent",
    "busbridge2025_consistent": "busbridge2025_refit",
}


def prices(cost: Costs | None) -> str:
    """The prices, for the title of a table; empty where costs are FLOPs."""
    named = {} if cost is None else vars(cost)
    listed = ", ".join(f"{name} {price:.3g}" for name, price in named.items() if price)
    return f"prices: {listed}" if listed else ""


def in_unit(amount: str, cost: Costs | None) -> str:
    """An amount of FLOPs, or in the unit of the prices, which the user knows."""
    return f"{amount} FLOPs" if cost is None else amount


def goals(inputs: Mapping[str, Array], cost: Costs | None = None) -> str:
    """The inputs that are single numbers, for the title of a table."""
    goals = _GOALS if cost is None else _GOALS | {"flops": "budget {}"}
    return ", ".join(
        words.format(cell(name, inputs[name]) if name == "flops" else format_quantity(inputs[name]))
        for name, words in goals.items()
        if name in inputs and np.ndim(inputs[name]) == 0
    )


def distance(decades: Array, name: str | None = None) -> str:
    """How far plans lie outside the fitted range, in a sentence.

    Args:
        decades: the distance of each plan.
        name: the input that is farthest outside, if it is known.
    """
    decades = np.asarray(decades, dtype=float)
    if np.isnan(decades).all():
        return "The range that the law was fitted to is not known: this may be an extrapolation."
    far = times_outside(np.nanmax(decades))
    if far is None:
        return "Within the range that the law was fitted to."
    if decades.ndim == 0:
        of = f" in {WORDS.get(name, name)}" if name else ""
        return f"An extrapolation{of}: {far} times outside the range that the law was fitted to."
    count = sum(times_outside(each) is not None for each in decades.ravel())
    return (
        f"{count} of {decades.size} are extrapolations, up to {far} times outside the range that "
        f"the law was fitted to{f' ({WORDS.get(name, name)})' if name else ''}."
    )


def ask_again(law: str, decades: Array) -> list[str]:
    """Advice to ask a second law, where a decision lies outside the fitted range of the first.

    Args:
        law: the preset or the file of the first law.
        decades: the distance of each plan.

    >>> ask_again("busbridge2025_refit", np.array([0.0, 0.5]))[0].partition(", ")[2]
    'such as --law busbridge2025_consistent.'
    >>> ask_again("fit.json", np.array(0.0))
    []
    """
    far = [bool(np.isnan(each) or times_outside(each)) for each in np.ravel(decades)]
    second = _SECOND_LAWS.get(law)
    example = f", such as --law {second}" if second else " (--law)"
    advice = f"Outside the fitted runs another law may decide otherwise: ask a second one{example}."
    return [advice] if any(far) else []


def active_bounds(plan: Tree) -> list[str]:
    """The active bounds of a single plan, a sentence each."""
    return [
        f"{WORDS[name].capitalize()}: on the {'lower' if side < 0 else 'upper'} bound, "
        f"{cell(name, getattr(plan, name))}."
        for name, side in getattr(plan, "active_bounds", {}).items()
        if np.ndim(side) == 0 and side and not np.isnan(getattr(plan, name))
    ]


def remarks(
    plan: Tree,
    inputs: Mapping[str, Array],
    cost: Costs | None = None,
    *,
    spent: str = "compute",
    unit: str = "nats",
) -> list[str]:
    """What bounds, budget and status of a single plan mean, a sentence each.

    Args:
        plan: with leaves of shape `()`.
        inputs: of the planning function.
        cost: the prices, or None.
        spent: what the budget is, in words.
        unit: of the loss.
    """
    notes = active_bounds(plan)
    if not hasattr(plan, "status"):
        return notes
    status = Status(int(plan.status))
    if not is_solved(status):
        return [*notes, f"This plan {_UNSOLVED[status.name].replace('have', 'has')}."]
    if np.isnan(getattr(plan, "num_teacher_params", 0)):
        notes.append("The teacher costs nothing: the plan gives its loss, but no size.")
    if status == Status.BUDGET_UNSPENT and "flops" in inputs:
        budget = in_unit(format_flops(inputs["flops"]), cost)
        notes.append(
            f"Spends {format_flops(plan.flops)} of {budget}: more would not help, or a bound "
            "prevents it."
        )
    elif (gain := plan.marginal_values.flops) > 0:
        by = f"{0.01 * gain:.2g} {unit}".rstrip()
        notes.append(f"One per cent more {spent} would lower the loss by {by}.")
    return notes


def counts(statuses: Array, inputs: Mapping[str, Array]) -> list[str]:
    """How many plans of a sweep are not solutions, a sentence for each reason."""
    unsolved = dict(_UNSOLVED)
    if "target_loss" in inputs:
        unsolved["INFEASIBLE"] = "have a loss that no model reaches: raise --target-loss"
    elif "flops" not in inputs and "dollars" not in inputs:
        unsolved["INFEASIBLE"] = "are compute-optimal for no budget under this law"
    found = {name: int(np.sum(statuses == Status[name])) for name in unsolved}
    return [
        f"{found[name]} of {np.size(statuses)} plans {words}."
        for name, words in unsolved.items()
        if found[name]
    ]


def why_infeasible(inputs: Mapping[str, Array], settings: Mapping[str, Tree]) -> str:
    """Why single inputs have no plan, and the remedy."""
    if "target_loss" in inputs:
        return (
            f"no model reaches a loss of {inputs['target_loss']:g} under this law: raise "
            "--target-loss above the irreducible loss"
        )
    if "dollars" in inputs:
        return f"{inputs['dollars']:g} dollars do not pay for any model: raise --dollars"
    if "flops" not in inputs:
        name = "num_params" if "num_params" in inputs else "num_tokens"
        return (
            f"{format_quantity(inputs[name])} {WORDS[name]} are compute-optimal for no budget "
            "under this law: give --flops to plan for a budget"
        )
    cost = settings.get("cost")
    budget = in_unit(format_flops(inputs["flops"]), cost)
    if "size_fraction" in inputs:
        return (
            f"no number of tokens brings a model of {inputs['size_fraction']:g} times the "
            f"compute-optimal size of {budget} to the same loss: raise --size-fraction"
        )
    size = inputs.get("num_params", inputs.get("num_student_params"))
    served = inputs.get("num_inference_tokens", 0)
    if size is not None and served:
        serving = float(settings["forward_flops"](size)) * served * inputs.get("num_students", 1)
        serving *= 1.0 if cost is None else cost.serving
        if serving >= inputs["flops"]:
            return (
                f"a budget of {budget} does not pay for serving {format_quantity(served)} "
                f"tokens at {format_quantity(size)} parameters, which takes "
                f"{format_flops(serving)}: raise --flops, or lower the size or "
                "--inference-tokens"
            )
    what = " once serving is paid" if served else ""
    return (
        f"a budget of {budget} does not pay for any plan{what}: even the fewest tokens and "
        "the smallest sizes cost more; raise --flops, or lower what is fixed"
    )
