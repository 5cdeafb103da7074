"""Numbers of plans as cells of tables, and plans in sentences."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from jaxlaws.annotations import Array, Tree
from jaxlaws.planning import Status
from jaxlaws.quantities import format_quantity

# What the numbers of a plan are called, in the order in which tables show them.
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
INPUT_WORDS = WORDS | {
    "flops": "budget",
    "target_loss": "target loss",
    "dollars": "dollars",
    "num_inference_tokens": "tokens served",
    "num_unique_tokens": "distinct tokens available",
}
COST_WORDS = {
    "student": "training",
    "logits": "the teacher's logits",
    "teacher": "training the teacher",
    "serving": "serving",
}
METHODS = {"SUPERVISED": "train alone", "DISTILLATION": "distil", "NONE": "neither"}
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
_WHOLE = ("num_layers", "width", "num_heads", "mlp_width")


def is_solved(status: Array) -> Array:
    """Whether plans are solutions, by their status."""
    return status <= Status.BUDGET_UNSPENT


def cell(name: str, value: float | None) -> str:
    """A number as a table shows it, by the name of its field; a dash where it is not known."""
    if value is None or not np.isfinite(value):
        return "unknown" if name == "decades" else "–"
    if name == "decades":
        return f"{value:.1f}"
    if name == "excess_loss":
        return f"{value:.2g}"
    if "loss" in name or name == "margin":
        return f"{value:.4f}"
    if name in COST_WORDS or name == "share_of_draws":
        return f"{value:.1%}" if name in COST_WORDS else f"{value:.0%}"
    return f"{value:.0f}" if name in _WHOLE else format_quantity(value)


def cells(name: str, values: Sequence[float] | Array) -> Callable[[int], str]:
    """The column of a table: the cell of each row."""
    return lambda row: cell(name, values[row])


def goals(inputs: Mapping[str, Array]) -> str:
    """The inputs that are single numbers, for the title of a table."""
    return ", ".join(
        words.format(format_quantity(inputs[name]))
        for name, words in _GOALS.items()
        if name in inputs and np.ndim(inputs[name]) == 0
    )


def distance(decades: Array) -> str:
    """How far plans lie outside the fitted range, in a sentence."""
    decades = np.asarray(decades, dtype=float)
    if np.isnan(decades).all():
        return "The range that the law was fitted to is not known: this may be an extrapolation."
    farthest = np.nanmax(decades)
    if farthest <= 0:
        return "Within the range that the law was fitted to."
    far = f"{farthest:.1f}" if farthest >= 0.05 else f"{farthest:.2g}"
    where = f"{far} decades outside the range that the law was fitted to"
    if decades.ndim == 0:
        return f"{where}: an extrapolation."
    return f"{np.sum(decades > 0)} of {decades.size} are extrapolations, up to {where}."


def active_bounds(plan: Mapping[str, Array]) -> list[str]:
    """The active bounds of a single plan, a sentence each."""
    return [
        f"{WORDS[name].capitalize()}: on the {'lower' if side < 0 else 'upper'} bound, "
        f"{cell(name, plan[name])}."
        for name, side in plan.get("active_bounds", {}).items()
        if np.ndim(side) == 0 and side
    ]


def remarks(plan: Mapping[str, Array], inputs: Mapping[str, Array]) -> list[str]:
    """What bounds, budget and status of a single plan mean, a sentence each."""
    notes = active_bounds(plan)
    if "status" not in plan:
        return notes
    status = Status(int(plan["status"]))
    if not is_solved(status):
        return [*notes, f"This plan {_UNSOLVED[status.name].replace('have', 'has')}."]
    if np.isnan(plan.get("num_teacher_params", 0)):
        notes.append("The teacher costs nothing: the plan gives its loss, but no size.")
    gain = plan["marginal_values"].flops if "marginal_values" in plan else 0
    for name in {"flops", "dollars"} & set(inputs) if status == Status.BUDGET_UNSPENT else ():
        spent, budget = format_quantity(plan[name]), format_quantity(inputs[name])
        notes.append(
            f"Spends {spent} of {budget} {WORDS.get(name, name)}: more would not help, or a bound "
            "prevents it."
        )
    if status != Status.BUDGET_UNSPENT and gain > 0:
        notes.append(f"One per cent more compute would lower the loss by {0.01 * gain:.2g}.")
    return notes


def counts(statuses: Array, inputs: Mapping[str, Array]) -> list[str]:
    """How many plans of a sweep are not solutions, a sentence for each reason."""
    unsolved = dict(_UNSOLVED)
    if "target_loss" in inputs:
        unsolved["INFEASIBLE"] = "have a loss that no model reaches: raise --target-loss"
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
    budget = format_quantity(inputs["flops"])
    size = inputs.get("num_params", inputs.get("num_student_params"))
    served = inputs.get("num_inference_tokens", 0)
    if size is not None and served:
        serving = float(settings["forward_flops"](size)) * served * inputs.get("num_students", 1)
        if serving >= inputs["flops"]:
            return (
                f"a budget of {budget} FLOPs does not pay for serving {format_quantity(served)} "
                f"tokens at {format_quantity(size)} parameters, which takes "
                f"{format_quantity(serving)}: raise --flops, or lower the size or "
                "--inference-tokens"
            )
    what = " once serving is paid" if served else ""
    return (
        f"a budget of {budget} FLOPs does not pay for any plan{what}: even the fewest tokens and "
        "the smallest sizes cost more; raise --flops, or lower what is fixed"
    )
