"""The compute at which distilling and training a model of one size change places."""

import enum
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Tree
from jaxlaws.planning.analysis.plan_roots import root_of
from jaxlaws.planning.distillation.distilled_student import distill
from jaxlaws.planning.engine.checks import checked, distillation_law
from jaxlaws.planning.engine.scenarios import Scenario
from jaxlaws.planning.engine.status import Status, worst
from jaxlaws.planning.solver.batched import Array
from jaxlaws.planning.supervised.fixed_size import train_fixed
from jaxlaws.precision import is_traced
from jaxlaws.pytree import pytree

_BUDGETS_PER_DECADE = 24


class Method(enum.IntEnum):
    """How to make a model of a given size."""

    SUPERVISED = -1
    NONE = 0  # no budget pays for either, or the place of a crossing is unused
    DISTILLATION = 1


@pytree
class Crossings:
    """Where the better method changes.

    Attributes:
        flops: the budgets, rising along the last axis; NaN in places left over.
        to: the `Method` that is better above each; NONE in places left over.
        loss: what supervised training reaches there, and distillation likewise.
        first: the `Method` that is better at the lowest budget that tells them apart.
        count: the number of crossings found, which may exceed the places for them.
        status: CONVERGED; INFEASIBLE where no budget pays for either method; NOT_CONVERGED where
            there are more crossings than places, or a plan lost somewhere that did not converge.
    """

    flops: Any
    to: Any
    loss: Any
    first: Any
    count: Any
    status: Any


def _losses(plan: Any, xp: Any) -> Any:
    """Of what can be planned; infinite where nothing can."""
    return xp.where(plan.status == Status.INFEASIBLE, xp.inf, plan.loss)


def _lead(single: Any, distilled: Any, xp: Any) -> Any:
    """By how much distillation is better; 0 where neither can be paid for."""
    neither = xp.isinf(single) & xp.isinf(distilled)
    return xp.where(neither, 0.0, single) - xp.where(neither, 0.0, distilled)


def _sides(lead: Any, level: Any, xp: Any) -> Any:
    """-1, 0 or +1 for who is better; what rounding could turn counts as a tie."""
    smallest = (1e-10 if lead.dtype == np.float64 else 2e-6) * level
    return xp.where(xp.abs(lead) > smallest, xp.sign(lead), 0.0)


def _changes(sides: Any, most: int, xp: Any) -> tuple[Any, Any, Any, Any]:
    """Where sides change along the last axis, ties passed over.

    Returns:
        Of the first changes: the places before, the places after, and whether there is one; and
        how many changes there are.
    """
    places = xp.broadcast_to(xp.arange(sides.shape[-1]), sides.shape)
    decided = xp.where(sides != 0, places, -1)
    latest = (
        lax.cummax(decided, axis=sides.ndim - 1)
        if xp is jnp
        else np.maximum.accumulate(decided, axis=-1)
    )
    before = xp.concatenate([xp.full_like(latest[..., :1], -1), latest[..., :-1]], axis=-1)
    old = xp.take_along_axis(sides, xp.maximum(before, 0), axis=-1)
    change = (sides != 0) & (before >= 0) & (old != sides)
    first = xp.argsort(xp.where(change, places, sides.shape[-1]), axis=-1)[..., :most]
    found = xp.take_along_axis(change, first, axis=-1)
    left = xp.where(found, xp.take_along_axis(before, first, axis=-1), 0)
    return left, first, found, change.sum(axis=-1)


def crossover(
    law: Any,
    *,
    num_student_params: Any,
    scenario: Scenario,
    num_students: Any = 1.0,
    num_inference_tokens: Any = 0.0,
    forward_flops: ForwardFlops = dense_forward_flops,
    flops_bounds: tuple[float, float] = (1e17, 1e28),
    max_crossings: int = 4,
) -> Crossings:
    """Every budget at which the better of supervised training and distillation changes.

    Compared are `train_fixed` of the student's size and `distill` under the scenario, each with
    the whole budget, or its part for one of several students. None is an answer: then `first`
    says which is better throughout. Crossings are looked for at 24 budgets a decade; two within
    one of these steps undo each other unseen.

    Args:
        law: a distillation law; outside a trace a batch of them too, broadcast with the size.
        num_student_params: size of the student, any shape.
        scenario: who pays for the teacher.
        num_students: students of that size that share the teacher and the budget, broadcast with
            the size.
        num_inference_tokens: tokens that each model will serve, likewise.
        forward_flops: forward FLOPs per token of a size.
        flops_bounds: the budgets among which to look.
        max_crossings: places for crossings, the length of the last axis.

    Returns:
        Budgets, methods and losses of the broadcast shape with one axis more; the rest of the
        broadcast shape. NumPy float64 outside a trace, in the caller's precision inside one.

    Raises:
        ValueError: an input is not positive and finite, or the bounds do not rise. Inside a trace
            the status is then INFEASIBLE.
        TypeError: the law is no distillation law, or the scenario no `Scenario`.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import TEACHER_INFERENCE
    >>> law = presets.load("busbridge2025_consistent")
    >>> answer = crossover(law, num_student_params=3e8, scenario=TEACHER_INFERENCE)
    >>> f"{Method(answer.first).name} up to {answer.flops[0]:.2e}"
    'DISTILLATION up to 1.25e+21'
    """
    distillation_law(law)
    if not isinstance(scenario, Scenario):
        raise TypeError(f"scenario must be a Scenario such as FREE_TEACHER, got {scenario!r}")
    low, high = (float(end) for end in flops_bounds)
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
    traced = is_traced(law, inputs, forward_flops)
    if not traced:
        inputs = {
            name: checked(
                name, value, may_be_zero=name not in ("num_student_params", "num_students")
            )
            for name, value in inputs.items()
        }
    given = jax.tree.leaves((list(inputs.values()), law))
    shape = np.broadcast_shapes(*(np.shape(value) for value in given))
    xp: Any = jnp if traced else np
    dtype = jnp.result_type(float, *given) if traced else np.float64
    law, inputs = jax.tree.map(lambda value: _lengthened(value, shape, dtype, xp), (law, inputs))

    def methods(law: Any, inputs: dict[str, Any]) -> Callable[[Array], tuple[Any, Any]]:
        def plans(log_flops: Array) -> tuple[Any, Any]:
            flops = xp.exp(log_flops)
            common = {
                "num_inference_tokens": inputs["num_inference_tokens"],
                "forward_flops": forward_flops,
            }
            size, students = inputs["num_student_params"], inputs["num_students"]
            single = train_fixed(law, num_params=size, flops=flops / students, **common)
            distilled = distill(
                law,
                flops=flops,
                num_student_params=size,
                scenario=Scenario(logits=inputs["logits"], pretraining=inputs["pretraining"]),
                num_students=students,
                **common,
            )
            return single, distilled

        return plans

    num = 1 + int(np.ceil(_BUDGETS_PER_DECADE * np.log10(high / low)))
    budgets = xp.broadcast_to(
        xp.linspace(np.log(low), np.log(high), num, dtype=dtype), (*shape, num)
    )
    single, distilled = methods(law, inputs)(budgets)
    alone, taught = _losses(single, xp), _losses(distilled, xp)
    sides = _sides(_lead(alone, taught, xp), xp.minimum(alone, taught), xp)
    left, right, found, count = _changes(sides, max_crossings, xp)
    to = xp.where(found, xp.take_along_axis(sides, right, axis=-1), 0.0)

    def fallen(given: Tree) -> Callable[[Array], Array]:
        law, inputs = given

        def function(log_flops: Array) -> Array:
            single, distilled = methods(law, inputs)(log_flops)
            lead = _lead(_losses(single, xp), _losses(distilled, xp), xp)
            return -to * xp.where(to == 0, 0.0, lead)

        return function

    low_ends = xp.take_along_axis(budgets, left, axis=-1)
    high_ends = xp.take_along_axis(budgets, right, axis=-1)
    root, _ = root_of(fallen, (law, inputs), low_ends, high_ends)
    loss = train_fixed(
        law,
        num_params=inputs["num_student_params"],
        flops=xp.exp(root) / inputs["num_students"],
        num_inference_tokens=inputs["num_inference_tokens"],
        forward_flops=forward_flops,
    ).loss
    decided = xp.argmax(sides != 0, axis=-1)
    possible = xp.isfinite(xp.minimum(alone, taught)).any(axis=-1)
    # A plan that did not converge is one that a better one may exist for: it may win, not lose.
    unsure = (single.status == Status.NOT_CONVERGED) & (sides >= 0)
    unsure |= (distilled.status == Status.NOT_CONVERGED) & (sides <= 0)
    answer = Crossings(
        flops=xp.where(found, xp.exp(root), xp.nan),
        to=to.astype(np.int32),
        loss=xp.where(found, loss, xp.nan),
        first=xp.take_along_axis(sides, decided[..., None], axis=-1)[..., 0].astype(np.int32),
        count=count.astype(np.int32),
        status=worst(
            {
                Status.INFEASIBLE: ~possible,
                Status.NOT_CONVERGED: unsure.any(axis=-1) | (count > max_crossings),
            }
        ),
    )
    return answer if traced else jax.tree.map(lambda leaf: np.asarray(leaf)[()], answer)


def _lengthened(value: Any, shape: tuple[int, ...], dtype: Any, xp: Any) -> Any:
    """A number as it is; an array of the batch's shape with one axis more, for budgets."""
    if np.ndim(value) == 0:
        return value
    return xp.broadcast_to(xp.asarray(value, dtype), shape)[..., None]
