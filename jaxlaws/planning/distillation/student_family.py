"""Students of several sizes that share one teacher and one budget."""

import inspect
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.inputs import as_float
from jaxlaws.planning.distillation.family_costs import teacher_variables, tokens_of
from jaxlaws.planning.distillation.student_and_teacher import by_charged_costs
from jaxlaws.planning.distillation.student_family_plan import FamilyPlan, family_plan
from jaxlaws.planning.distillation.student_family_problem import family_problem
from jaxlaws.planning.distillation.student_limits import (
    OF_STUDENT,
    caps_of,
    lowest,
    with_limits,
)
from jaxlaws.planning.engine.checks import (
    DEFAULT_BOUNDS,
    Bounds,
    distillation_law,
    split_bounds,
)
from jaxlaws.planning.engine.composed_inputs import checked_constraints, checked_inputs
from jaxlaws.planning.engine.costs import Costs, cost_inputs
from jaxlaws.planning.engine.evaluation import ask
from jaxlaws.planning.engine.limits import Limit, check_limits
from jaxlaws.planning.engine.mixture import Mixture
from jaxlaws.planning.engine.scenarios import (
    TEACHER_PRETRAINING_AND_INFERENCE,
    Scenario,
    charged_costs,
    check_scenario,
)
from jaxlaws.precision import Precision, array_module, to_float64

_QUESTIONS = by_charged_costs(family_problem, family_plan)


def distill_family(
    law: Tree,
    *,
    flops: Array,
    num_student_params: Array,
    scenario: Scenario = TEACHER_PRETRAINING_AND_INFERENCE,
    weights: Array | None = None,
    num_inference_tokens: Array = 0.0,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_student_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
    cost: Costs | None = None,
    precision: Precision | None = None,
) -> FamilyPlan:
    """One teacher, and the tokens of each of several students, with the least mean loss.

    With F the forward FLOPs per token and the shares that the scenario charges, the budget is
    `sum_i ((3 F(N_i) + logits F(N_T)) D_i + F(N_i) D_serve_i) + pretraining 3 F(N_T) D_T <= flops`.
    The teacher is trained once for all students. The tokens of each student are chosen so that one
    more FLOP lowers the mean loss equally for every student. Of plans with equal loss the cheapest
    is returned.

    Args:
        law: a distillation law.
        flops: the whole budget, any shape.
        num_student_params: sizes of the students along the last axis, `(..., students)`.
        scenario: which costs of the teacher are charged; the default charges all.
        weights: weights of the losses in the mean, broadcast with the sizes; only their ratios
            count. None: equal weights.
        num_inference_tokens: tokens that each student will serve, broadcast with the sizes; the
            budget pays for serving.
        forward_flops: forward FLOPs per token of a model of given size.
        num_student_tokens_bounds: lower and upper bound of the tokens. A bound whose last axis has
            one number for each student has a bound for each; another bound is that of all students
            and broadcasts with the budget. As many budgets as students need one more axis:
            `bound[:, None]` for a bound of each budget, `bound[None]` for one of each student.
        num_teacher_params_bounds: lower and upper bound of the size of the teacher.
        num_teacher_tokens_bounds: lower and upper bound of the tokens of the teacher.
        limits: upper limits on other quantities, by names of your choice: of `num_teacher_params`
            and `num_teacher_tokens`, or of `teacher_loss` for a teacher that costs nothing; or of
            `num_student_params` and `num_student_tokens`, which holds for each student, must rise
            with its tokens, and has one active bound and one marginal value for each student. A
            quantity of several models cannot be limited, because the split among the students is
            not a variable of the search.
        cost: prices of training, serving, logits and data, see `Costs`.
        precision: of the computation inside a trace, see `Precision`.

    Returns:
        A plan: NumPy float64 for concrete inputs, the caller's dtype inside a trace.

    Raises:
        ValueError: an input is not positive and finite, the sizes have no axis, a share of the
            scenario is outside [0, 1], bounds exclude each other, or a limit depends on several
            models. Inside a trace the plan then has the status INFEASIBLE and NaN for sizes.
        TypeError: the law is not a distillation law, or it is a `Mixture`, for which this function
            is not available; or the scenario is not a `Scenario`.

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
    charged = charged_costs(scenario)
    of_teacher, of_students = _divided(limits, teacher_variables(charged))
    checked_constraints(limits=of_students)
    sizes = {
        "num_student_params": num_student_params,
        "weights": 1.0 if weights is None else weights,
        "num_inference_tokens": num_inference_tokens,
    }
    sizes = checked_inputs(sizes, may_be_zero=("num_inference_tokens",))
    shape = jnp.broadcast_shapes(*map(np.shape, sizes.values()))
    if not shape or not np.shape(sizes["num_student_params"]) or shape[-1] == 0:
        raise ValueError("num_student_params needs an axis, the last, along which students differ")
    xp = array_module(sizes)
    sizes = sizes if xp is jnp else to_float64(sizes)
    students = {}
    for name, value in sizes.items():
        values = xp.broadcast_to(xp.asarray(value), shape)
        students[name] = {index: values[..., index] for index in range(shape[-1])}
    inputs = {
        "flops": flops,
        **students,
        "logits": scenario.logits,
        "pretraining": scenario.pretraining,
        **cost_inputs(cost),
    }
    least, most = (
        _for_each_student(as_float("num_student_tokens_bounds", end), shape[-1], np.shape(flops))
        for end in split_bounds("num_student_tokens", num_student_tokens_bounds)
    )
    caps = {}
    if of_students:
        each_size = tuple(students["num_student_params"].values())
        caps = caps_of(of_students, each_size, tuple(zip(least, most, strict=True)))
        most = [lowest(end, [c[i] for c in caps.values()]) for i, end in enumerate(most)]
    plan = ask(
        _QUESTIONS[charged],
        distillation_law(law),
        inputs,
        bounds={
            **{tokens_of(i): pair for i, pair in enumerate(zip(least, most, strict=True))},
            "num_teacher_params": num_teacher_params_bounds,
            "num_teacher_tokens": num_teacher_tokens_bounds,
        },
        limits=of_teacher,
        functions={"forward_flops": forward_flops},
        precision=precision,
    )
    plan = with_limits(plan, caps) if caps else plan
    return jax.tree.map(_stacked, plan, is_leaf=lambda node: isinstance(node, list))


def _for_each_student(bound: Array, num: int, budgets: tuple[int, ...]) -> list[Array]:
    """A bound of the tokens of each student: its own along the last axis, or that of all.

    Raises:
        ValueError: the bound may be one for each budget or one for each student.
    """
    if num > 1 and np.shape(bound) == (num,) and budgets[-1:] == (num,):
        raise ValueError(
            f"num_student_tokens_bounds: {num} numbers for {num} budgets and {num} students may "
            "mean either. Add an axis: bound[:, None] is one for each budget, bound[None] one for "
            "each student"
        )
    if np.ndim(bound) == 0 or np.shape(bound)[-1] not in (1, num):
        return [bound] * num
    return [bound[..., index % np.shape(bound)[-1]] for index in range(num)]


def _divided(
    limits: Mapping[str, Limit] | None, of_teacher: tuple[str, ...]
) -> tuple[dict[str, Limit], dict[str, Limit]]:
    """The limits on the teacher, and those on each student.

    Raises:
        ValueError: the quantity of a limit has required parameters of both, or other ones.
    """
    teacher, students = {}, {}
    for name, limit in check_limits(limits).items():
        required = _required(limit.quantity)
        if required and required <= set(OF_STUDENT):
            students[name] = limit
        elif required <= set(of_teacher):
            teacher[name] = limit
        else:
            raise ValueError(
                f"limits[{name!r}] depends on {', '.join(sorted(required))}, but a limit of "
                f"distill_family may depend only on {' and '.join(of_teacher)}, or only on "
                f"{' and '.join(OF_STUDENT)}, which are those of each student in turn. For a "
                "quantity of several models, limit its parts."
            )
    return teacher, students


def _required(quantity: Callable[..., Array]) -> set[str]:
    """The parameters without a default; none for a callable without a signature."""
    try:
        parameters = inspect.signature(quantity).parameters.values()
    except ValueError:  # such as a compiled function
        return set()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {each.name for each in parameters if each.kind in named and each.default is each.empty}


def _stacked(leaf: Array) -> Array:
    """A list with one array for each student as one array; other leaves unchanged."""
    if not isinstance(leaf, list):
        return leaf
    return array_module(leaf).stack(leaf, axis=-1)
