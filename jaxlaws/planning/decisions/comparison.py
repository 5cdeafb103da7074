"""Train, overtrain or distil: the decision that all laws together answer."""

import enum
import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.decisions.comparison_text import describe_comparison
from jaxlaws.planning.distillation.distilled_student import distill
from jaxlaws.planning.distillation.existing_teacher import distill_with
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, distillation_law
from jaxlaws.planning.engine.composed_inputs import (
    checked_constraints,
    checked_inputs,
    compose,
)
from jaxlaws.planning.engine.costs import Costs
from jaxlaws.planning.engine.limits import Limit
from jaxlaws.planning.engine.plans import DistillationPlan, SupervisedPlan
from jaxlaws.planning.engine.programs import compiled_when_traced
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.engine.scenarios import (
    TEACHER_PRETRAINING_AND_INFERENCE,
    Scenario,
    check_scenario,
)
from jaxlaws.planning.engine.status import Status, is_solved
from jaxlaws.planning.plan_dict import Answer, named_in_plans
from jaxlaws.planning.solver.batched import argmin
from jaxlaws.planning.supervised.allocation import compute_optimal
from jaxlaws.planning.supervised.fixed_size import train_fixed
from jaxlaws.precision import Precision
from jaxlaws.pytree import pytree


@named_in_plans("winner")
class Winner(enum.IntEnum):
    """The best strategy for a budget."""

    NONE = -1  # no strategy is feasible
    TRAIN = 0  # train a model of the compute-optimal size
    OVERTRAIN = 1  # train a smaller model on more tokens
    DISTIL = 2
    USE_TEACHER = 3  # serve the existing teacher without change


@pytree
class Comparison(Answer):
    """The strategies for a budget, and the best of them.

    Attributes:
        winner: a `Winner`: the strategy of least loss among those that may win.
        margin: loss by which the next best strategy is worse; NaN where there is no other.
        options: a plan for each strategy: `train`, `overtrain`, `distil`, and `use_teacher` where
            a teacher exists.
        eligible: whether each strategy may win: it is feasible, its model is no larger than the
            student, and for `overtrain` it is smaller than the compute-optimal model.
    """

    winner: Array
    margin: Array
    options: Record
    eligible: Record

    _columns_of_plans = ("train", "overtrain", "distil", "use_teacher")

    @property
    def reason(self) -> Array:
        """The comparison as text: a string, or an array of strings for several budgets."""
        return self.words()

    def _remarks(self) -> list[str]:
        is_answer = np.issubdtype(np.asarray(self.winner).dtype, np.integer)
        return [str(self.reason)] if is_answer else []  # else a derivative or a mean

    def words(
        self, fitted_range: Mapping[str, tuple[float, float]] | None = None, unit: str = ""
    ) -> Array:
        """The comparison as text, with the distance from the runs that the law was fitted to.

        Args:
            fitted_range: lowest and highest fitted value of each input, as a fit and the
                description of a preset have it.
            unit: the unit of losses, such as "nats", which a law does not know.
        """
        texts = np.empty(np.shape(self.winner), dtype=object)
        for index in np.ndindex(texts.shape):
            one = jax.tree.map(lambda leaf, at=index: np.asarray(leaf)[at], self)
            name = Winner(int(one.winner)).name.lower()
            texts[index] = describe_comparison(
                name if name in one.options else None,
                one.margin,
                one.options,
                one.eligible,
                fitted_range,
                unit,
            )
        return texts if texts.shape else texts[()]


def _serve_teacher(
    flops: Array,
    num_params: Array,
    loss: Array,
    num_inference_tokens: Array,
    forward_flops: ForwardFlops,
) -> SupervisedPlan:
    """The plan that serves an existing teacher without change; tokens times the price of a FLOP."""
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
            data=nothing,
        ),
        status=jnp.where(possible, Status.BUDGET_UNSPENT, Status.INFEASIBLE).astype(jnp.int32),
        active_bounds=Record(),
        marginal_values=Record(flops=nothing),
    )


def _compare(
    law: Tree, inputs: Tree, scenario: Scenario, constraints: Tree, *, forward_flops: ForwardFlops
) -> Comparison:
    shapes = [np.shape(value) for value in jax.tree.leaves((inputs, scenario, constraints))]
    flops = jnp.broadcast_to(jnp.asarray(inputs["flops"], float), jnp.broadcast_shapes(*shapes))
    served, size = inputs["num_inference_tokens"], inputs.get("num_student_params")
    cost, tokens_bounds = constraints["cost"], constraints["num_student_tokens_bounds"]
    alone = {
        "flops": flops / inputs["num_students"],
        "forward_flops": forward_flops,
        "num_tokens_bounds": tokens_bounds,
        "limits": constraints["limits"],
        "cost": cost,
    }
    optimal = compute_optimal(law, **alone).num_params
    alone["num_inference_tokens"] = served
    largest = jnp.inf if size is None else size
    if size is None:
        size = compute_optimal(law, **alone).num_params
    student = {
        "flops": flops,
        "num_student_params": size,
        "num_students": inputs["num_students"],
        "num_inference_tokens": served,
        "forward_flops": forward_flops,
    }
    options: dict[str, SupervisedPlan | DistillationPlan] = {
        "train": train_fixed(law, num_params=optimal, **alone),
        "overtrain": train_fixed(law, num_params=size, **alone),
    }
    eligible = {
        "train": is_solved(options["train"].status) & (optimal <= largest),
        "overtrain": is_solved(options["overtrain"].status) & (size < optimal * (1 - 1e-6)),
    }
    if "teacher_loss" not in inputs:
        options["distil"] = distill(law, **student, scenario=scenario, **constraints)
        eligible["distil"] = is_solved(options["distil"].status)
    else:
        loss, num_params = inputs["teacher_loss"], inputs["num_teacher_params"]
        options["distil"] = distill_with(
            law,
            **student,
            teacher_loss=loss,
            num_teacher_params=num_params,
            logits=scenario.logits,
            num_student_tokens_bounds=tokens_bounds,
            limits=constraints["limits"],
            cost=cost,
        )
        paid = served if cost is None else served * cost.serving
        budgets = jnp.broadcast_to(flops, jnp.shape(options["distil"].loss))  # one for each law
        options["use_teacher"] = _serve_teacher(budgets, num_params, loss, paid, forward_flops)
        eligible["distil"] = is_solved(options["distil"].status)
        eligible["use_teacher"] = is_solved(options["use_teacher"].status) & (num_params <= largest)
    losses = jnp.stack([jnp.where(eligible[name], options[name].loss, jnp.inf) for name in options])
    least, first = jnp.min(losses, axis=0), argmin(losses, axis=0)
    # Not by `jnp.sort`, whose gradient would leave float64 in a float32 program.
    others = [jnp.where(first == i, jnp.inf, each) for i, each in enumerate(losses)]
    second = functools.reduce(jnp.minimum, others)
    nothing = jnp.isinf(least)
    winner = jnp.where(nothing, Winner.NONE, first).astype(jnp.int32)
    margin = jnp.where(jnp.isinf(second), jnp.nan, second - jnp.where(nothing, 0.0, least))
    parts = {"options": Record(options), "eligible": Record(eligible)}
    return Comparison(winner=winner, margin=margin, **parts)


@compiled_when_traced()
def compare(
    law: Tree,
    *,
    flops: Array,
    num_student_params: Array | None = None,
    num_inference_tokens: Array = 0.0,
    scenario: Scenario = TEACHER_PRETRAINING_AND_INFERENCE,
    num_students: Array = 1.0,
    teacher_loss: Array | None = None,
    num_teacher_params: Array | None = None,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_student_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
    cost: Costs | None = None,
    precision: Precision | None = None,
) -> Comparison:
    """Train compute-optimally, overtrain, distil, or use a teacher that exists.

    - `train`: a model of the compute-optimal size for the budget, without regard to serving.
    - `overtrain`: a model of the student's size, on all the tokens that the budget pays for.
    - `distil`: a student of that size, from the best teacher that the budget pays for under the
      scenario, or from the teacher that exists.
    - `use_teacher`: the teacher that exists, without change.

    Each strategy pays for serving `num_inference_tokens` from the same budget. The student's size
    is the largest size that may be served. Where it is not given, it is the supervised size of
    least loss after serving is paid.

    Args:
        law: a distillation law.
        flops: the whole budget, any shape.
        num_student_params: size of the student, broadcast with the budget.
        num_inference_tokens: tokens that the model will serve.
        scenario: which costs of the teacher are charged; for a teacher that exists, only the share
            of the logits counts.
        num_students: number of equal students that share the teacher and the budget. The plans
            without a teacher are those of one student, on its part of the budget.
        teacher_loss: loss of a teacher that exists, given together with its size.
        num_teacher_params: size of a teacher that exists.
        forward_flops: forward FLOPs per token of a size.
        num_student_tokens_bounds: lower and upper bound of the tokens of the model that is served.
        num_teacher_params_bounds: lower and upper bound of the teacher's size, where it is trained.
        num_teacher_tokens_bounds: lower and upper bound of the teacher's tokens, likewise.
        limits: upper limits on other quantities. A limit receives the sizes and tokens of each
            strategy by the names of the strategy's plan, see `Limit`.
        cost: prices of training, serving, logits and data, see `Costs`.
        precision: of the computation inside a trace, see `Precision`.

    Raises:
        ValueError: an input or a bound is not positive and finite, or only one of the teacher's
            loss and size is given.
        TypeError: the law is not a distillation law, or the scenario is not a `Scenario`.

    >>> from jaxlaws import presets
    >>> answer = compare(
    ...     presets.load("busbridge2025_consistent"), flops=1e21, num_student_params=3e8
    ... )
    >>> Winner(answer.winner).name, f"{answer.margin:.3f}"
    ('OVERTRAIN', '0.030')
    """
    law = distillation_law(law)
    check_scenario(scenario)
    if (teacher_loss is None) != (num_teacher_params is None):
        missing = "teacher_loss" if teacher_loss is None else "num_teacher_params"
        raise ValueError(
            "a teacher that exists needs both teacher_loss and num_teacher_params: "
            f"{missing} is missing"
        )
    constraints = checked_constraints(
        num_student_tokens_bounds=num_student_tokens_bounds,
        num_teacher_params_bounds=num_teacher_params_bounds,
        num_teacher_tokens_bounds=num_teacher_tokens_bounds,
        limits=limits,
        cost=cost,
    )
    inputs = {
        "flops": flops,
        "num_student_params": num_student_params,
        "num_students": num_students,
        "teacher_loss": teacher_loss,
        "num_teacher_params": num_teacher_params,
        "num_inference_tokens": num_inference_tokens,
    }
    inputs = checked_inputs(
        {name: value for name, value in inputs.items() if value is not None},
        may_be_zero=("num_inference_tokens",),
    )
    answer = functools.partial(_compare, forward_flops=forward_flops)
    return compose(answer, law, inputs, scenario, constraints)
