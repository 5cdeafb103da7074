"""The best teacher for a student, regardless of its cost: where the capacity gap begins."""

from collections.abc import Mapping

import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, distillation_law
from jaxlaws.planning.engine.evaluation import Question, ask
from jaxlaws.planning.engine.limits import Limit, constraints_of
from jaxlaws.planning.engine.plans import (
    TeacherLossPlan,
    bounds_and_values,
    status_of,
    where_possible,
)
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.solver.batched import Point
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.planning.solver.problem import Problem, Reduction, evenly_spaced
from jaxlaws.precision import Precision

NUM_CANDIDATES = 97

# The irreducible loss of some laws is zero, which has no logarithm. Relative to the loss of the
# smallest model.
_LEAST_LOSS = 1e-5


def teacher_loss_range(law: Tree, like: Array) -> tuple[Array, Array]:
    """Logarithms of the irreducible loss and of the loss of the smallest model."""
    supervised, one = law.supervised, jnp.ones_like(like)
    irreducible = supervised.loss(num_params=jnp.inf * one, num_tokens=jnp.inf * one)
    least = DEFAULT_BOUNDS[0] * one
    worst = supervised.loss(num_params=least, num_tokens=least)
    lowest = jnp.maximum(irreducible, _LEAST_LOSS * worst)
    return jnp.log(lowest), jnp.log(jnp.maximum(worst, 2 * lowest))


def _problem(given: Record) -> Problem:
    lower, upper = teacher_loss_range(given.law, given.num_student_params)
    possible = None
    if "teacher_loss" in given.lower:
        lower = jnp.maximum(lower, jnp.log(given.lower.teacher_loss))
        upper = jnp.log(given.upper.teacher_loss)
        possible = lower <= upper

    def objective(point: Point) -> Array:
        return given.law.loss(
            num_student_params=given.num_student_params,
            num_student_tokens=given.num_student_tokens,
            teacher_loss=jnp.exp(point[0]),
        )

    return Problem(
        objective=objective,
        has_unit=True,
        lower=[lower],
        upper=[upper],
        constraints=constraints_of(
            given,
            ("teacher_loss",),
            {
                "num_student_params": given.num_student_params,
                "num_student_tokens": given.num_student_tokens,
            },
        ),
        reduction=Reduction(
            to_point=lambda coordinates, _: coordinates,
            candidate=lambda index: [evenly_spaced(lower, upper, index, NUM_CANDIDATES)],
            num_candidates=NUM_CANDIDATES,
            num_relaxations=0,
        ),
        possible=possible,
    )


def _plan(given: Record, solution: Solution) -> TeacherLossPlan:
    teacher_loss = jnp.exp(solution.point[0])
    loss = given.law.loss(
        num_student_params=given.num_student_params,
        num_student_tokens=given.num_student_tokens,
        teacher_loss=teacher_loss,
    )
    return TeacherLossPlan(
        num_student_params=where_possible(solution, given.num_student_params),
        num_student_tokens=where_possible(solution, given.num_student_tokens),
        teacher_loss=where_possible(solution, teacher_loss),
        loss=where_possible(solution, loss),
        status=status_of(solution, loss, num_expected=0),
        **bounds_and_values(solution, ("teacher_loss",), limits=given.limits, num_expected=0),
    )


_QUESTION = Question(problem=_problem, plan=_plan, takes_limits=True)


def optimal_teacher_loss(
    law: Tree,
    *,
    num_student_params: Array,
    num_student_tokens: Array,
    teacher_loss_bounds: Bounds | None = None,
    limits: Mapping[str, Limit] | None = None,
    precision: Precision | None = None,
) -> TeacherLossPlan:
    """The loss of the teacher that makes the best student of given size and tokens.

    It is the best of all losses from the irreducible loss up. A better teacher makes a worse
    student: the capacity gap.

    Args:
        law: a distillation law.
        num_student_params: size of the student, any shape.
        num_student_tokens: tokens that the student is distilled on, broadcast with the size.
        teacher_loss_bounds: lower and upper bound of the loss of the teacher, broadcast with the
            size. None: all losses from the irreducible loss up.
        limits: upper limits on other quantities of `teacher_loss`, `num_student_params` and
            `num_student_tokens`, by names of your choice. A quantity that falls with the teacher's
            loss, such as the compute of its training, bounds the quality of the teacher.
        precision: of the computation inside a trace, see `Precision`.

    Returns:
        A plan whose leaves have the broadcast shape: NumPy float64 for concrete inputs, the
        caller's dtype inside a trace.

    Raises:
        ValueError: the size, the tokens or a bound is not positive and finite, or bounds exclude
            each other. Inside a trace the plan then has the status INFEASIBLE and NaN for losses.
        TypeError: the law is not a distillation law.

    >>> from jaxlaws import presets
    >>> law = presets.load("busbridge2025_consistent")
    >>> plan = optimal_teacher_loss(law, num_student_params=1e9, num_student_tokens=1e11)
    >>> f"teacher {plan.teacher_loss:.2f}, student {plan.loss:.2f}"
    'teacher 2.02, student 2.22'
    """
    return ask(
        _QUESTION,
        distillation_law(law),
        {"num_student_params": num_student_params, "num_student_tokens": num_student_tokens},
        bounds={} if teacher_loss_bounds is None else {"teacher_loss": teacher_loss_bounds},
        limits=limits,
        precision=precision,
    )
