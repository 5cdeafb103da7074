"""Train, overtrain or distil: the question that the laws together answer."""

import enum
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.planning.decisions.comparison_text import words
from jaxlaws.planning.distillation.distilled_student import distill
from jaxlaws.planning.distillation.existing_teacher import distill_with
from jaxlaws.planning.engine.checks import distillation_law
from jaxlaws.planning.engine.plans import DistillationPlan, SupervisedPlan
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.engine.scenarios import TEACHER_PRETRAINING_AND_INFERENCE, Scenario
from jaxlaws.planning.engine.status import Status, is_solved
from jaxlaws.planning.supervised.allocation import compute_optimal
from jaxlaws.planning.supervised.fixed_size import train_fixed
from jaxlaws.precision import float64, is_traced, to_numpy
from jaxlaws.pytree import pytree


class Winner(enum.IntEnum):
    """What to do with a budget."""

    NONE = -1  # nothing can be done with it
    TRAIN = 0  # the compute-optimal size
    OVERTRAIN = 1  # a smaller size, on more tokens
    DISTIL = 2
    USE_TEACHER = 3  # as it is


@pytree
class Comparison:
    """The strategies for a budget, and which is best.

    Attributes:
        winner: a `Winner`: of the eligible strategies the one of least loss.
        margin: loss by which the next best eligible strategy is worse; NaN where there is none.
        options: a plan each: `train`, `overtrain`, `distil`, and `use_teacher` where one exists.
        eligible: whether each may win: it is feasible, no larger than the student's size, and,
            for `overtrain`, indeed smaller than compute-optimal.
    """

    winner: Any
    margin: Any
    options: Record
    eligible: Record

    @property
    def reason(self) -> Any:
        """The comparison in words: a string, or an array of strings for several."""
        return self.words()

    def words(self, fitted_range: Mapping[str, Any] | None = None) -> Any:
        """The comparison in words, with the distance to the runs that the law was fitted to.

        Args:
            fitted_range: lowest and highest fitted value of each input, as a fit or the
                description of a preset has it.
        """
        told = np.empty(np.shape(self.winner), dtype=object)
        for index in np.ndindex(told.shape):
            one = jax.tree.map(lambda leaf, at=index: np.asarray(leaf)[at], self)
            name = Winner(int(one.winner)).name.lower()
            told[index] = words(
                name if name in one.options else None,
                one.margin,
                one.options,
                one.eligible,
                fitted_range,
            )
        return told if told.shape else told[()]


def _solved(plan: Any) -> Any:
    return is_solved(plan.status)


def _as_it_is(
    flops: Any, num_params: Any, loss: Any, num_inference_tokens: Any, forward_flops: Any
) -> SupervisedPlan:
    """Serving a teacher that exists."""
    cost = forward_flops(num_params) * num_inference_tokens + jnp.zeros_like(flops)
    possible, nothing = cost <= flops, jnp.zeros_like(flops)
    return SupervisedPlan(
        num_params=jnp.where(possible, num_params, jnp.nan),
        num_tokens=jnp.full_like(flops, jnp.nan),
        loss=jnp.where(possible, loss, jnp.nan),
        flops=jnp.where(possible, cost, jnp.nan),
        shares=Record(
            student=nothing,
            logits=nothing,
            teacher=nothing,
            serving=jnp.where(cost > 0, 1.0, nothing),
        ),
        status=jnp.where(possible, Status.BUDGET_UNSPENT, Status.INFEASIBLE).astype(jnp.int32),
        active_bounds=Record(),
        marginal_values=Record(flops=nothing),
    )


def _compare(
    law: Any,
    flops: Any,
    size: Any,
    scenario: Scenario,
    num_students: Any,
    teacher: tuple[Any, Any] | None,
    common: dict[str, Any],
) -> Comparison:
    given = (flops, size, num_students, *(teacher or ()), common["num_inference_tokens"])
    shapes = [np.shape(value) for value in (*given, *jax.tree.leaves(scenario))]
    flops = jnp.broadcast_to(jnp.asarray(flops, float), np.broadcast_shapes(*shapes))
    alone = flops / num_students
    optimal = compute_optimal(law, flops=alone, forward_flops=common["forward_flops"]).num_params
    largest = jnp.inf if size is None else size
    if size is None:
        size = compute_optimal(law, flops=alone, **common).num_params
    student = {"flops": flops, "num_student_params": size, "num_students": num_students}
    options: dict[str, SupervisedPlan | DistillationPlan] = {
        "train": train_fixed(law, num_params=optimal, flops=alone, **common),
        "overtrain": train_fixed(law, num_params=size, flops=alone, **common),
    }
    eligible = {
        "train": _solved(options["train"]) & (optimal <= largest),
        "overtrain": _solved(options["overtrain"]) & (size < optimal * (1 - 1e-6)),
    }
    if teacher is None:
        options["distil"] = distill(law, **student, scenario=scenario, **common)
        eligible["distil"] = _solved(options["distil"])
    else:
        loss, num_params = teacher
        options["distil"] = distill_with(
            law,
            **student,
            teacher_loss=loss,
            num_teacher_params=num_params,
            logits=scenario.logits,
            **common,
        )
        options["use_teacher"] = _as_it_is(flops, num_params, loss, **common)
        eligible["distil"] = _solved(options["distil"])
        eligible["use_teacher"] = _solved(options["use_teacher"]) & (num_params <= largest)
    losses = jnp.stack([jnp.where(eligible[name], options[name].loss, jnp.inf) for name in options])
    ordered = jnp.sort(losses, axis=0)
    nothing = jnp.isinf(ordered[0])
    winner = jnp.where(nothing, Winner.NONE, jnp.argmin(losses, axis=0)).astype(jnp.int32)
    margin = jnp.where(
        jnp.isinf(ordered[1]), jnp.nan, ordered[1] - jnp.where(nothing, 0.0, ordered[0])
    )
    return Comparison(
        winner=winner, margin=margin, options=Record(options), eligible=Record(eligible)
    )


def compare(
    law: Any,
    *,
    flops: Any,
    num_student_params: Any = None,
    num_inference_tokens: Any = 0.0,
    scenario: Scenario = TEACHER_PRETRAINING_AND_INFERENCE,
    num_students: Any = 1.0,
    teacher_loss: Any = None,
    num_teacher_params: Any = None,
    forward_flops: ForwardFlops = dense_forward_flops,
) -> Comparison:
    """Train compute-optimally, overtrain, distil, or use a teacher that exists.

    - `train`: the size that is compute-optimal for the budget, demand not considered.
    - `overtrain`: a model of the student's size, on all the tokens that the budget allows.
    - `distil`: a student of that size, from the best teacher that the budget can make under the
      scenario, or from the one that exists.
    - `use_teacher`: the teacher that exists, as it is.

    Each pays for serving `num_inference_tokens` out of the same budget. The student's size is the
    largest that may be served. Where none is given, it is the supervised size of least loss once
    serving is paid.

    Args:
        law: a distillation law.
        flops: the whole budget, any shape.
        num_student_params: size of the student, broadcast with the budget.
        num_inference_tokens: tokens that the model will serve.
        scenario: who pays for the teacher; for one that exists, whether its logits are paid for.
        num_students: students of that size that share the teacher and the budget. The plans
            without a teacher are those of one of them, with its part of the budget.
        teacher_loss: loss of a teacher that exists, given with its size.
        num_teacher_params: size of a teacher that exists.
        forward_flops: forward FLOPs per token of a size.

    Raises:
        ValueError: an input is not positive and finite, or of a teacher only one of loss and size
            is given.
        TypeError: the law is no distillation law.

    >>> from jaxlaws import presets
    >>> answer = compare(
    ...     presets.load("busbridge2025_consistent"), flops=1e21, num_student_params=3e8
    ... )
    >>> Winner(answer.winner).name, f"{answer.margin:.3f}"
    ('OVERTRAIN', '0.030')
    """
    distillation_law(law)
    if (teacher_loss is None) != (num_teacher_params is None):
        missing = "teacher_loss" if teacher_loss is None else "num_teacher_params"
        raise ValueError(
            f"a teacher that exists is given by teacher_loss and num_teacher_params: {missing} "
            "is missing"
        )
    teacher = None if teacher_loss is None else (teacher_loss, num_teacher_params)
    common = {"num_inference_tokens": num_inference_tokens, "forward_flops": forward_flops}
    given = (law, flops, num_student_params, scenario, num_students, teacher, common)
    if is_traced(given):
        return _compare(*given)
    with float64():
        return jax.tree.map(lambda leaf: leaf[()], to_numpy(_compare(*given)))
