"""How many students must share a trained teacher for distillation to pay."""

from collections.abc import Callable

import numpy as np

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.analysis.plan_roots import root_of
from jaxlaws.planning.distillation.distilled_student import distill
from jaxlaws.planning.engine.checks import checked, distillation_law
from jaxlaws.planning.engine.scenarios import TEACHER_PRETRAINING, Scenario, check_scenario
from jaxlaws.planning.supervised.fixed_size import train_fixed
from jaxlaws.precision import array_module

_LOG_MOST = float(np.log(1e6))


def break_even_students(
    law: Tree,
    *,
    flops: Array,
    num_student_params: Array,
    scenario: Scenario = TEACHER_PRETRAINING,
    forward_flops: ForwardFlops = dense_forward_flops,
) -> Array:
    """The number of students alike from which one trained teacher makes them better than none.

    `k` students that pool their budgets, `k flops` in all, share the teacher that the pool trains;
    alone each is trained on its own budget. The more share, the less of the teacher each pays for,
    so there is one number from which distillation is better.

    Args:
        law: a distillation law.
        flops: the budget of one student, any shape.
        num_student_params: size of each, broadcast with it.
        scenario: what the pool pays for.
        forward_flops: forward FLOPs per token of a size.

    Returns:
        The number, not rounded; 1 where distilling a single student pays already, infinite where
        not even a million students pay. NumPy float64 outside a trace, in the caller's precision
        inside one, with the derivatives of the implicit function.

    Raises:
        ValueError: budget or size is not positive and finite, or a share of the scenario is outside
            [0, 1]. Inside a trace the number is then NaN.
        TypeError: the law is no distillation law, or the scenario no `Scenario`.

    >>> from jaxlaws import presets
    >>> law = presets.load("busbridge2025_consistent")
    >>> f"{break_even_students(law, flops=1e21, num_student_params=1e9):.2f}"
    '9.81'
    """
    check_scenario(scenario)
    distillation_law(law)
    xp = array_module(law, flops, num_student_params, scenario, forward_flops)
    if xp is np:
        flops = checked("flops", flops)
        num_student_params = checked("num_student_params", num_student_params)

    def excess(given: Tree) -> Callable[[Array], Array]:
        """The loss of students that share a teacher, above the loss of training alone."""
        law, flops, size, scenario = given
        alone = train_fixed(law, num_params=size, flops=flops, forward_flops=forward_flops).loss

        def function(log_students: Array) -> Array:
            num = xp.exp(log_students)
            pooled = distill(
                law,
                flops=flops * num,
                num_student_params=size,
                num_students=num,
                scenario=scenario,
                forward_flops=forward_flops,
            )
            return pooled.loss - alone

        return function

    given = (law, flops, num_student_params, scenario)
    single = excess(given)(xp.zeros(()))
    low = xp.zeros_like(single)
    root, _ = root_of(excess, given, low, low + _LOG_MOST)
    num = xp.where(root < _LOG_MOST, xp.exp(root), xp.inf)
    return xp.where(xp.isnan(single), xp.nan, num)[()]
