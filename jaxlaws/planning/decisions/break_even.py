"""How many students must share a trained teacher for distillation to pay."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.planning.distillation.student_and_teacher import distill
from jaxlaws.planning.engine.checks import checked, distillation_law
from jaxlaws.planning.engine.scenarios import TEACHER_PRETRAINING, Scenario, check_scenario
from jaxlaws.planning.solver.batched import Array
from jaxlaws.planning.solver.root_finding import falling_root, implicit_root
from jaxlaws.planning.supervised.fixed_size import train_fixed
from jaxlaws.precision import is_traced

_LOG_MOST = float(np.log(1e6))


def break_even_students(
    law: Any,
    *,
    flops: Any,
    num_student_params: Any,
    scenario: Scenario = TEACHER_PRETRAINING,
    forward_flops: ForwardFlops = dense_forward_flops,
) -> Any:
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
    given = (law, flops, num_student_params, scenario)
    traced = is_traced(given, forward_flops)
    xp: Any = jnp if traced else np
    if not traced:
        flops, num_student_params = (
            checked(name, value)
            for name, value in (("flops", flops), ("num_student_params", num_student_params))
        )
        given = (law, flops, num_student_params, scenario)

    def behind(law: Any, flops: Any, size: Any, scenario: Scenario) -> Callable[[Array], Array]:
        """By how much students of a pool of so many are behind those alone."""
        common: dict[str, Any] = {"forward_flops": forward_flops}
        alone = train_fixed(law, num_params=size, flops=flops, **common).loss

        def function(log_students: Array) -> Array:
            num = xp.exp(log_students)
            pooled = distill(
                law,
                flops=flops * num,
                num_student_params=size,
                num_students=num,
                scenario=scenario,
                **common,
            )
            return pooled.loss - alone

        return function

    still = jax.tree.map(lambda leaf: lax.stop_gradient(leaf) if is_traced(leaf) else leaf, given)
    single = behind(*still)(xp.zeros(()))
    low = xp.zeros_like(single)
    root, exact = falling_root(behind(*still), low, low + _LOG_MOST, traced=traced)
    if traced:
        root = implicit_root(behind(*given), root, exact)
    num = xp.where(root < _LOG_MOST, xp.exp(root), xp.inf)
    return xp.where(xp.isnan(single), xp.nan, num)[()]
