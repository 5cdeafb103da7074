"""The budgets at which distillation and supervised training of one model size change places."""

import dataclasses
import enum
from collections.abc import Callable, Mapping
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Json, Tree
from jaxlaws.foundations.text.cells import cell
from jaxlaws.foundations.text.tables import Table
from jaxlaws.planning.analysis.plan_roots import root_of
from jaxlaws.planning.decisions.both_sides import train_and_distill
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, checked, distillation_law
from jaxlaws.planning.engine.composed_inputs import checked_constraints, with_new_axis
from jaxlaws.planning.engine.costs import Costs, log_price_of_flop
from jaxlaws.planning.engine.limits import Limit
from jaxlaws.planning.engine.mixture import Mixture
from jaxlaws.planning.engine.programs import compiled_when_traced
from jaxlaws.planning.engine.scenarios import (
    TEACHER_PRETRAINING_AND_INFERENCE,
    Scenario,
    check_scenario,
)
from jaxlaws.planning.engine.status import Status, worst
from jaxlaws.planning.plan_dict import Answer, named_in_plans
from jaxlaws.planning.solver.batched import argmin
from jaxlaws.precision import Precision, array_module
from jaxlaws.pytree import pytree

_BUDGETS_PER_DECADE = 24
_FLOPS_BOUNDS = (1e17, 1e28)


@named_in_plans("first", "to", "method")
class Method(enum.IntEnum):
    """A way to make a model of a given size."""

    SUPERVISED = -1
    NONE = 0  # neither method is feasible at any budget, or the entry holds no crossing
    DISTILLATION = 1


@pytree
class Crossings(Answer):
    """The budgets at which the better method changes.

    Attributes:
        flops: the budgets, rising along the last axis; NaN in entries that are not used.
        to: the `Method` that is better above each budget; NONE in entries that are not used.
        loss: the loss that both methods reach at each budget.
        first: the `Method` that is better at the lowest budget where the two differ.
        count: the number of crossings found, which may exceed the number of entries.
        status: CONVERGED; INFEASIBLE where neither method is feasible at any budget;
            NOT_CONVERGED where there are more crossings than entries, or where a plan that did not
            converge has the higher loss.
    """

    flops: Array
    to: Array
    loss: Array
    first: Array
    count: Array
    status: Array

    def _in_short(self) -> tuple[str, Table]:
        found = self.to_dict()
        rows = [["", cell("better", found["first"]), ""]]
        for budget, to, loss in zip(found["flops"], found["to"], found["loss"], strict=True):
            if budget is not None:
                rows.append([cell("flops", budget), cell("better", to), cell("loss", loss)])
        return found["status"], Table(["from (FLOPs)", "better", "loss of both"], rows)

    def _table_of_entries(self, shown: Mapping[str, Json], shape: tuple[int, ...]) -> Table:
        """A row for each student, without the entries that are not used."""
        used = np.isfinite(self.flops)

        def joined(key: str, name: str) -> Json:
            every, texts = np.array(shown[name], dtype=object), np.empty(shape, dtype=object)
            for index in np.ndindex(shape):
                texts[index] = cell(key, every[index][used[index]].tolist()) or "none"
            return texts.tolist()

        begins = [Method(each).name for each in np.ravel(self.first).tolist()]
        table = {
            "better at first": np.reshape(
                [cell("better", each) for each in begins], shape
            ).tolist(),
            "changes (FLOPs)": joined("flops", "flops"),
            "to": joined("better", "to"),
            "loss of both": joined("loss", "loss"),
        }
        return super()._table_of_entries(table, shape)


def _losses(plan: Tree, xp: ModuleType) -> Array:
    """The losses, infinite where the plan is infeasible."""
    return xp.where(plan.status == Status.INFEASIBLE, xp.inf, plan.loss)


def _lead(alone: Array, distilled: Array, xp: ModuleType) -> Array:
    """The loss by which distillation is better; 0 where both are infeasible."""
    neither = xp.isinf(alone) & xp.isinf(distilled)
    return xp.where(neither, 0.0, alone) - xp.where(neither, 0.0, distilled)


def _better(lead: Array, level: Array, xp: ModuleType) -> Array:
    """-1, 0 or +1 for the better `Method`; a difference within rounding counts as a tie."""
    smallest = (1e-10 if lead.dtype == np.float64 else 2e-6) * level
    return xp.where(xp.abs(lead) > smallest, xp.sign(lead), 0.0)


def _changes(better: Array, most: int, xp: ModuleType) -> tuple[Array, Array, Array, Array]:
    """The changes of the better method along the last axis; ties are passed over.

    Returns:
        For the first `most` changes: the index before, the index after, and whether the change
        exists; and the number of all changes.
    """
    indices = xp.broadcast_to(xp.arange(better.shape[-1]), better.shape)
    decided = xp.where(better != 0, indices, -1)
    latest = (
        lax.cummax(decided, axis=better.ndim - 1)
        if xp is jnp
        else np.maximum.accumulate(decided, axis=-1)
    )
    before = xp.concatenate([xp.full_like(latest[..., :1], -1), latest[..., :-1]], axis=-1)
    old = xp.take_along_axis(better, xp.maximum(before, 0), axis=-1)
    change = (better != 0) & (before >= 0) & (old != better)
    first = xp.argsort(xp.where(change, indices, better.shape[-1]), axis=-1)[..., :most]
    found = xp.take_along_axis(change, first, axis=-1)
    left = xp.where(found, xp.take_along_axis(before, first, axis=-1), 0)
    return left, first, found, change.sum(axis=-1)


@compiled_when_traced("flops_bounds", "max_crossings")
def crossover(
    law: Tree,
    *,
    num_student_params: Array,
    scenario: Scenario = TEACHER_PRETRAINING_AND_INFERENCE,
    num_students: Array = 1.0,
    num_inference_tokens: Array = 0.0,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_student_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
    cost: Costs | None = None,
    flops_bounds: tuple[float, float] | None = None,
    max_crossings: int = 4,
    precision: Precision | None = None,
) -> Crossings:
    """Every budget at which the better of supervised training and distillation changes.

    A model of the student's size is trained alone (`train_fixed`) or distilled (`distill`), each
    time with the whole budget. With several students, each of them has an equal part of the budget.
    Where there is no crossing, `first` is the better method at every budget. The search uses 24
    budgets per decade; two crossings between neighbouring budgets are not seen.

    Args:
        law: a distillation law; outside a trace also a batch of laws, broadcast with the size.
        num_student_params: size of the student, any shape.
        scenario: which costs of the teacher are charged; the default charges all.
        num_students: number of equal students that share the teacher and the budget, broadcast
            with the size.
        num_inference_tokens: tokens that each model will serve, broadcast with the size.
        forward_flops: forward FLOPs per token of a size.
        num_student_tokens_bounds: lower and upper bound of the student's tokens, on both sides.
        num_teacher_params_bounds: lower and upper bound of the teacher's size.
        num_teacher_tokens_bounds: lower and upper bound of the teacher's tokens.
        limits: upper limits on other quantities, on both sides, see `Limit`.
        cost: prices of training, serving, logits and data, see `Costs`.
        flops_bounds: least and largest budget of the search, in the unit of the budget. None: 1e17
            to 1e28 FLOPs of training.
        max_crossings: number of entries for crossings, the length of the last axis.
        precision: of the computation inside a trace, see `Precision`.

    Returns:
        Budgets, methods and losses of the broadcast shape with one more axis; `first`, `count` and
        `status` of the broadcast shape. NumPy float64 outside a trace, in the caller's dtype
        inside one.

    Raises:
        ValueError: an input is not positive and finite, or the bounds do not rise. Inside a trace
            the status is then INFEASIBLE.
        TypeError: the law is not a distillation law, or the scenario is not a `Scenario`.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import TEACHER_INFERENCE
    >>> law = presets.load("busbridge2025_consistent")
    >>> answer = crossover(law, num_student_params=3e8, scenario=TEACHER_INFERENCE)
    >>> f"{Method(answer.first).name} up to {answer.flops[0]:.2e}"
    'DISTILLATION up to 1.25e+21'
    """
    law = distillation_law(law)
    check_scenario(scenario)
    low, high = (float(end) for end in flops_bounds or _FLOPS_BOUNDS)
    if not 0 < low < high < np.inf:
        raise ValueError(f"flops_bounds must be two rising positive numbers, got {flops_bounds}")
    if max_crossings < 1:
        raise ValueError(f"max_crossings must be at least 1, got {max_crossings}")
    inputs = {
        "num_student_params": num_student_params,
        "num_students": num_students,
        "num_inference_tokens": num_inference_tokens,
        "logits": scenario.logits,
        "pretraining": scenario.pretraining,
    }
    constraints = checked_constraints(
        num_student_tokens_bounds=num_student_tokens_bounds,
        num_teacher_params_bounds=num_teacher_params_bounds,
        num_teacher_tokens_bounds=num_teacher_tokens_bounds,
        limits=limits,
        cost=cost,
    )
    xp = array_module(law, inputs, constraints, forward_flops)
    if xp is np:
        positive = ("num_student_params", "num_students")
        inputs = {
            name: checked(name, value, may_be_zero=name not in positive)
            for name, value in inputs.items()
        }
    given = with_new_axis((law, inputs, constraints, forward_flops))
    leaves = jax.tree.leaves(given, is_leaf=lambda node: isinstance(node, Mixture))
    shape = jnp.broadcast_shapes((1,), *map(np.shape, leaves))[:-1]
    numbers = jax.tree.leaves((law, inputs, constraints))
    dtype = np.float64 if xp is np else jnp.result_type(float, *numbers)

    def plans(given: Tree, log_flops: Array) -> tuple[Tree, Tree]:
        law, inputs, constraints, of_token = given
        return train_and_distill(
            law,
            flops=xp.exp(log_flops),
            num_student_params=inputs["num_student_params"],
            scenario=dataclasses.replace(
                scenario, logits=inputs["logits"], pretraining=inputs["pretraining"]
            ),
            num_students=inputs["num_students"],
            num_inference_tokens=inputs["num_inference_tokens"],
            forward_flops=of_token,
            **constraints,
        )

    num = 1 + int(np.ceil(_BUDGETS_PER_DECADE * np.log10(high / low)))
    unit = log_price_of_flop(None if flops_bounds else given[2]["cost"], xp)
    budgets = xp.linspace(np.log(low), np.log(high), num, dtype=dtype) + unit
    budgets = xp.broadcast_to(budgets.astype(dtype), (*shape, num))
    supervised, distilled = plans(given, budgets)
    alone, taught = _losses(supervised, xp), _losses(distilled, xp)
    better = _better(_lead(alone, taught, xp), xp.minimum(alone, taught), xp)
    left, right, found, count = _changes(better, max_crossings, xp)
    to = xp.where(found, xp.take_along_axis(better, right, axis=-1), 0.0)

    def falling(given: Tree) -> Callable[[Array], Array]:
        """The lead of the method that is better below the crossing."""

        def function(log_flops: Array) -> Array:
            supervised, distilled = plans(given, log_flops)
            lead = _lead(_losses(supervised, xp), _losses(distilled, xp), xp)
            return -to * xp.where(to == 0, 0.0, lead)

        return function

    ends = (xp.take_along_axis(budgets, index, axis=-1) for index in (left, right))
    root, _ = root_of(falling, given, *ends)
    decided = argmin((better == 0).astype(np.int32), axis=-1)
    possible = xp.isfinite(xp.minimum(alone, taught)).any(axis=-1)
    # A better plan may exist where a plan did not converge: the plan may win, but not lose.
    unsure = (supervised.status == Status.NOT_CONVERGED) & (better >= 0)
    unsure |= (distilled.status == Status.NOT_CONVERGED) & (better <= 0)
    answer = Crossings(
        flops=xp.where(found, xp.exp(root), xp.nan),
        to=to.astype(np.int32),
        loss=xp.where(found, plans(given, root)[0].loss, xp.nan),
        first=xp.take_along_axis(better, decided[..., None], axis=-1)[..., 0].astype(np.int32),
        count=count.astype(np.int32),
        status=worst(
            {
                Status.INFEASIBLE: ~possible,
                Status.NOT_CONVERGED: unsure.any(axis=-1) | (count > max_crossings),
            }
        ),
    )
    return answer if xp is jnp else jax.tree.map(lambda leaf: np.asarray(leaf)[()], answer)
