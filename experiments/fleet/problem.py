"""The fleet: three products, one teacher, own and bought data, two kinds of hardware, a deadline.

The planner splits the money for compute among the teacher and the products. What it does not know
is the data that all models share: each token is bought once, and is a cap for every model. The
money for data is therefore the variable of an outer problem, which is differentiated through the
planner.
"""

import jax
import numpy as np

from jaxlaws import presets
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning import (
    TEACHER_PRETRAINING_AND_INFERENCE,
    Costs,
    FamilyPlan,
    Hardware,
    Scenario,
    distill_family,
)
from jaxlaws.precision import array_module

LAW = presets.load("busbridge2025_refit")
BUDGET = 2e7  # dollars

# The products: sizes, tokens that they will serve, and weights of their losses.
SIZES = np.array([5e8, 2e9, 8e9])
DEMAND = np.array([3e13, 1e13, 2e12])
WEIGHTS = np.array([0.3, 0.4, 0.3])

TRAINING = Hardware(dollars_per_hour=2.0, flops_per_second=1e15, utilisation=0.4)
SERVING = Hardware(dollars_per_hour=2.0, flops_per_second=1e15, utilisation=0.1)

OWN_TOKENS = 1e12
DOLLARS_PER_TOKEN = 4e-6  # for each further token
LEAST_TOKENS = 1e6  # of each model

# The deadline: everything is trained, one model after the other, on this cluster.
ACCELERATORS, DAYS = 4096, 30.0
MOST_FLOPS = ACCELERATORS * 1e15 * 0.4 * 86_400 * DAYS


def num_tokens(money_for_data: Array) -> Array:
    """The tokens that every model may be trained on."""
    return OWN_TOKENS + money_for_data / DOLLARS_PER_TOKEN


cost = Costs.in_dollars(training=TRAINING, serving=SERVING)


def fleet_plan(
    money_for_data: Array,
    law: Tree = LAW,
    *,
    budget: float = BUDGET,
    products: slice = slice(None),
    scenario: Scenario = TEACHER_PRETRAINING_AND_INFERENCE,
    **settings: Tree,
) -> FamilyPlan:
    """The best plan of teacher and products for a given purchase of data.

    Args:
        money_for_data: dollars, of any shape.
        law: the law of distillation.
        budget: dollars for everything.
        products: which products.
        scenario: which costs of the teacher are paid.
        **settings: further ones of `distill_family`.
    """
    tokens = num_tokens(money_for_data)
    sizes, demand = SIZES[products], DEMAND[products]
    in_time = cost.training * MOST_FLOPS + cost.serving * 2 * sizes @ demand
    xp = array_module(money_for_data)
    return distill_family(
        law,
        flops=xp.minimum(budget - money_for_data, in_time),
        num_student_params=sizes,
        num_inference_tokens=demand,
        weights=WEIGHTS[products],
        num_student_tokens_bounds=(LEAST_TOKENS, tokens),
        num_teacher_tokens_bounds=(LEAST_TOKENS, tokens),
        scenario=scenario,
        cost=cost,
        **settings,
    )


def fleet_loss(logit: Array) -> tuple[Array, FamilyPlan]:
    """The mean loss and the plan; the share of the money that buys data is `sigmoid(logit)`."""
    plan = fleet_plan(BUDGET * jax.nn.sigmoid(logit))
    return plan.loss, plan
