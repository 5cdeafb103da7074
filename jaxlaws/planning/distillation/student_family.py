"""Students of several sizes that share one teacher and one budget."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.planning.distillation.student_family_problem import (
    FamilyPlan,
    family_plan,
    family_problem,
)
from jaxlaws.planning.engine.checks import (
    DEFAULT_BOUNDS,
    Bounds,
    checked,
    distillation_law,
)
from jaxlaws.planning.engine.evaluation import Question, ask
from jaxlaws.planning.engine.mixture import Mixture
from jaxlaws.planning.engine.scenarios import ChargedCosts, Scenario, charged_costs, check_scenario
from jaxlaws.planning.engine.status import Status, is_solved
from jaxlaws.precision import is_traced

_QUESTIONS = {
    kind: Question(
        problem=functools.partial(family_problem, kind=kind),
        plan=functools.partial(family_plan, kind=kind),
        may_be_zero=("num_inference_tokens", "logits", "pretraining"),
    )
    for kind in ChargedCosts
}


def distill_family(
    law: Any,
    *,
    flops: Any,
    num_student_params: Any,
    scenario: Scenario,
    weights: Any = None,
    num_inference_tokens: Any = 0.0,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_student_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_tokens_bounds: Bounds = DEFAULT_BOUNDS,
) -> FamilyPlan:
    """One teacher, and the tokens of each of several students, of least mean loss in a budget.

    With F the forward FLOPs per token and the shares that the scenario charges,
    `sum_i ((3 F(N_i) + logits F(N_T)) D_i + F(N_i) D_serve_i) + pretraining 3 F(N_T) D_T <= flops`:
    the teacher is trained once for all. Each student's tokens are free, and one more FLOP gains
    each the same. Of plans with equal loss the cheapest is given.

    Args:
        law: a distillation law.
        flops: the whole budget, any shape.
        num_student_params: sizes of the students along the last axis, `(..., students)`.
        scenario: who pays for the teacher, such as `TEACHER_PRETRAINING`.
        weights: of the students' losses in the mean, broadcast with the sizes; equal if None.
        num_inference_tokens: tokens that each student will serve, broadcast with the sizes; serving
            comes out of the budget.
        forward_flops: forward FLOPs per token of a size.
        num_student_tokens_bounds: least and largest number of tokens, the same for all students.
        num_teacher_params_bounds: least and largest teacher.
        num_teacher_tokens_bounds: least and largest number of tokens for the teacher.

    Returns:
        A plan: NumPy float64 outside a trace, in the caller's precision inside one. Where all
        students have the most tokens and the teacher takes just what they leave, a plan inside a
        trace is NOT_CONVERGED; near that place it may be so outside one too.

    Raises:
        ValueError: an input is not positive and finite, the sizes have no axis, a share of the
            scenario is outside [0, 1], or bounds exclude each other. Inside a trace the plan then
            has the status INFEASIBLE and NaN for sizes.
        TypeError: the law is no distillation law or a `Mixture`, which no teacher can be shared
            under yet, or the scenario no `Scenario`.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import TEACHER_PRETRAINING
    >>> plan = distill_family(
    ...     presets.load("busbridge2025_consistent"),
    ...     flops=1e22, num_student_params=[3e8, 1e9, 3e9], scenario=TEACHER_PRETRAINING,
    ... )
    >>> [f"{tokens:.1e}" for tokens in plan.num_student_tokens]
    ['8.6e+11', '3.9e+11', '1.5e+11']
    """
    check_scenario(scenario)
    if isinstance(law, Mixture):
        raise TypeError("distill_family takes single laws: plan for each law of the mixture")
    sizes = {
        "num_student_params": num_student_params,
        "weights": 1.0 if weights is None else weights,
        "num_inference_tokens": num_inference_tokens,
    }
    if not is_traced(sizes):
        sizes = {
            name: checked(name, value, may_be_zero=name == "num_inference_tokens")
            for name, value in sizes.items()
        }
    shape = np.broadcast_shapes(*(np.shape(value) for value in sizes.values()))
    if not shape or not np.shape(num_student_params) or shape[-1] == 0:
        raise ValueError("num_student_params needs an axis, the last, along which students differ")
    xp = jnp if is_traced(sizes) else np
    students = {}
    for name, value in sizes.items():
        values = xp.broadcast_to(xp.asarray(value), shape)
        students[name] = {index: values[..., index] for index in range(shape[-1])}
    inputs = {
        "flops": flops,
        **students,
        "logits": scenario.logits,
        "pretraining": scenario.pretraining,
    }

    def answer(num_student_tokens_bounds: Bounds) -> FamilyPlan:
        plan = ask(
            _QUESTIONS[charged_costs(scenario)],
            distillation_law(law),
            inputs,
            bounds={
                "num_student_tokens": num_student_tokens_bounds,
                "num_teacher_params": num_teacher_params_bounds,
                "num_teacher_tokens": num_teacher_tokens_bounds,
            },
            functions={"forward_flops": forward_flops},
        )
        return jax.tree.map(_stacked, plan, is_leaf=lambda node: isinstance(node, list))

    plan = answer(num_student_tokens_bounds)
    if is_traced(plan) or not np.any(plan.status == Status.NOT_CONVERGED):
        return plan
    _, most = num_student_tokens_bounds
    return _at_the_kink(plan, answer((most, most)))


def _at_the_kink(plan: FamilyPlan, full: FamilyPlan) -> FamilyPlan:
    """The plans, those that end where the worth of the budget jumps replaced.

    Once all students have the most tokens, compute is worth no more than what the teacher still
    gains. Where the best plan lies just there it has no gradient that is zero, and the search does
    not converge; with those tokens held it is a smooth problem.

    Args:
        plan: as found.
        full: the best with the most tokens for all.
    """
    no_student_would_give = (full.marginal_values.num_student_tokens >= 0).all(axis=-1)
    better = (plan.status == Status.NOT_CONVERGED) & (is_solved(full.status))
    better &= no_student_would_give & (full.loss <= plan.loss + 1e-9)

    def chosen(new: Any, old: Any) -> Any:
        return np.where(better[(...,) + (None,) * (np.ndim(old) - np.ndim(better))], new, old)[()]

    return jax.tree.map(chosen, full, plan)


def _stacked(leaf: Any) -> Any:
    """A list, of the students, as an array; other leaves as they are."""
    if not isinstance(leaf, list):
        return leaf
    return (jnp if is_traced(leaf) else np).stack(leaf, axis=-1)
