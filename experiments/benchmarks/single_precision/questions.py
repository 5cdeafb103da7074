"""The questions that are compared, each a function of the inputs of a random problem."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxlaws import presets
from jaxlaws.compute import shape_of_aspect
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.laws.further_inputs.data_mixing import mixing_law
from jaxlaws.planning import (
    FREE_TEACHER,
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING,
    TEACHER_PRETRAINING_AND_INFERENCE,
    Costs,
    assess_teacher,
    break_even_students,
    compare,
    compute_optimal,
    crossover,
    distill,
    distill_family,
    distill_with,
    flops_to_reach,
    near_optimal_range,
    optimal_budget,
    optimal_data_mixture,
    optimal_hyperparameters,
    optimal_shape,
    optimal_teacher_loss,
    over_draws,
    overtraining_cost,
    rank_teachers,
    regret,
    relative_cost,
    serve,
    serve_in_streams,
    serving_frontier,
    train_fixed,
    train_on_limited_data,
)

LAW = presets.load("busbridge2025_refit")
_REPEATED = presets.load("muennighoff2023")
_STREAMS = presets.load("chen2025_stack")
_RATES = presets.load("li2025_step_law")
_SHAPES = [shape_of_aspect(num_layers) for num_layers in range(4, 64, 5)]
# Dollars. Powers of two, with which the inputs of `_for_money` are exact in float32.
_PRICES = Costs(training=2.0**-59, serving=2.0**-57, logits=2.0**-58, token=2.0**-20)
_OF_MIXTURES: dict[str, Array] = {
    "c": jnp.array([1.5, 0.6, 1.0]),
    "t": jnp.array([[-0.3, 0.6, 0.1, 0.4], [0.9, -1.2, 0.8, 0.2], [0.5, 0.7, -0.9, -1.1]]),
}
_DOMAINS, _OUTCOMES = ("web", "code", "books", "wiki"), ("loss_a", "loss_b", "loss_c")
_MIXTURES = mixing_law(*_DOMAINS, outcomes=_OUTCOMES)(**_OF_MIXTURES)
_SCENARIOS = {
    "free": FREE_TEACHER,
    "inference": TEACHER_INFERENCE,
    "pretraining": TEACHER_PRETRAINING,
    "all": TEACHER_PRETRAINING_AND_INFERENCE,
}


def _distil(scenario: str) -> Callable[[dict[str, Array]], Tree]:
    return lambda given: distill(
        LAW,
        flops=given["flops"],
        num_student_params=given["size"],
        num_inference_tokens=given["served"],
        scenario=_SCENARIOS[scenario],
        num_student_tokens_bounds=(1e3, given["tokens"]),
        num_teacher_params_bounds=(1e3, given["teacher"]),
    )


def _for_money(given: dict[str, Array]) -> Tree:
    return distill(
        LAW,
        flops=_PRICES.training * given["flops"],
        num_student_params=given["size"],
        num_inference_tokens=given["served"] / 4,
        scenario=TEACHER_PRETRAINING_AND_INFERENCE,
        num_student_tokens_bounds=(1e3, given["tokens"]),
        cost=_PRICES,
    )


def _any_size(given: dict[str, Array]) -> Tree:
    return distill(
        LAW,
        flops=given["flops"],
        num_inference_tokens=given["served"],
        scenario=TEACHER_PRETRAINING_AND_INFERENCE,
        num_student_tokens_bounds=(1e3, given["tokens"]),
    )


def _family(scenario: str) -> Callable[[dict[str, Array]], Tree]:
    return lambda given: distill_family(
        LAW,
        flops=given["flops"],
        num_student_params=[given["size"], 4 * given["size"]],
        weights=[0.4, 0.6],
        scenario=_SCENARIOS[scenario],
        num_student_tokens_bounds=(1e3, given["tokens"]),
        num_teacher_tokens_bounds=(1e3, given["tokens"]),
    )


def _student(given: dict[str, Array]) -> dict[str, Tree]:
    """The size of a student, and the bounds of the plans that distil it."""
    return {
        "num_student_params": given["size"],
        "num_student_tokens_bounds": (1e3, given["tokens"]),
        "num_teacher_params_bounds": (1e3, given["teacher"]),
    }


def _taught(given: dict[str, Array], num_teachers: int) -> dict[str, Tree]:
    """A student and teachers that exist: one, or several along an axis."""
    each = jnp.arange(num_teachers) if num_teachers > 1 else 0
    return {
        "flops": given["flops"],
        "num_student_params": given["size"],
        "teacher_loss": 2.2 - 0.2 * each,
        "num_teacher_params": given["teacher"] * 4.0**each,
        "num_inference_tokens": given["served"],
        "num_student_tokens_bounds": (1e3, given["tokens"]),
    }


def _regret(given: dict[str, Array]) -> Tree:
    """The regret of a plan under laws that differ by one part in a hundred."""
    draws = jax.tree.map(lambda leaf: leaf * jnp.array([0.99, 1.0, 1.01]), LAW.supervised)
    inputs = {"flops": given["flops"], "num_inference_tokens": given["served"]}
    plans = over_draws(compute_optimal, draws, inputs)
    return regret(compute_optimal(LAW, **inputs), draws, plans), plans


def _mixture(given: dict[str, Array]) -> Tree:
    """Weights and a bound that are exact in float32: products with powers of two."""
    weights = {
        "loss_a": given["target"],
        "loss_b": 3.0,
        "loss_c": jnp.minimum(2.0**-33 * given["tokens"], 8.0),
    }
    bounds = {"code": (0.0, 2.0**-37 * given["size"])}
    plan = optimal_data_mixture(_MIXTURES, weights=weights, share_bounds=bounds)
    return plan, plan.shares


# Questions that are made of other questions, and those of other laws.
_COMPOSED: dict[str, Callable[[dict[str, Array]], Tree]] = {
    "compare": lambda given: compare(
        LAW, flops=given["flops"], num_inference_tokens=given["served"], **_student(given)
    ),
    "compare, a teacher that exists": lambda given: compare(LAW, **_taught(given, 1)),
    "assess_teacher": lambda given: assess_teacher(LAW, **_taught(given, 1)),
    "rank_teachers": lambda given: rank_teachers(LAW, **_taught(given, 2)),
    "break_even_students": lambda given: break_even_students(
        LAW, flops=given["flops"], **_student(given)
    ),
    "crossover": lambda given: crossover(
        LAW,
        num_inference_tokens=given["served"],
        flops_bounds=(1e18, 1e26),
        max_crossings=2,
        **_student(given),
    ),
    "relative_cost": lambda given: relative_cost(
        LAW, target_loss=given["target"], **_student(given)
    ),
    "serving_frontier": lambda given: serving_frontier(
        LAW,
        flops=given["flops"],
        num_params=given["size"] * jnp.array([1.0, 4.0]),
        num_student_tokens_bounds=(1e3, given["tokens"]),
    ),
    "overtraining_cost": lambda given: overtraining_cost(
        LAW, flops=given["flops"], size_fraction=0.5, num_tokens_bounds=(1e3, given["tokens"])
    ),
    "optimal_budget": lambda given: optimal_budget(
        LAW, num_params=given["size"], num_inference_tokens=given["served"]
    ),
    "optimal_shape": lambda given: optimal_shape(
        LAW,
        flops=given["flops"],
        num_inference_tokens=given["served"],
        shapes=_SHAPES,
        num_tokens_bounds=(1e3, given["tokens"]),
    ),
    "flops_to_reach, distill": lambda given: flops_to_reach(
        distill,
        LAW,
        target_loss=given["target"],
        num_inference_tokens=given["served"],
        **_student(given),
    ),
    "near_optimal_range, distill": lambda given: near_optimal_range(
        distill,
        LAW,
        of="num_teacher_params",
        within=0.01,
        flops=given["flops"],
        **_student(given),
    ),
    "regret": _regret,
    "optimal_teacher_loss": lambda given: optimal_teacher_loss(
        LAW, num_student_params=given["size"], num_student_tokens=given["tokens"]
    ),
    "serve_in_streams": lambda given: serve_in_streams(
        _STREAMS,
        target_loss=given["target"],
        num_inference_tokens=given["served"],
        price_of_param=1e-7,
        price_of_flop=1e-18,
        num_streams_bounds=(1, 8),
    ),
    "optimal_data_mixture": _mixture,
    "optimal_hyperparameters": lambda given: optimal_hyperparameters(
        _RATES, num_params=given["size"], num_tokens=given["tokens"]
    ),
}

QUESTIONS: dict[str, Callable[[dict[str, Array]], Tree]] = {
    "compute_optimal": lambda given: compute_optimal(
        LAW,
        flops=given["flops"],
        num_params_bounds=(1e3, given["teacher"]),
        num_tokens_bounds=(1e3, given["tokens"]),
    ),
    "train_fixed": lambda given: train_fixed(
        LAW,
        num_params=given["size"],
        flops=given["flops"],
        num_inference_tokens=given["served"],
        num_tokens_bounds=(1e3, given["tokens"]),
    ),
    "train_on_limited_data": lambda given: train_on_limited_data(
        _REPEATED,
        flops=given["flops"],
        num_unique_tokens=given["tokens"],
        num_inference_tokens=given["served"],
    ),
    "serve at a loss": lambda given: serve(
        LAW, target_loss=given["target"], num_inference_tokens=given["served"]
    ),
    "serve within a budget": lambda given: serve(
        LAW, flops=given["flops"], num_inference_tokens=given["served"]
    ),
    "distill_with": lambda given: distill_with(
        LAW,
        flops=given["flops"],
        num_student_params=given["size"],
        teacher_loss=2.0,
        num_teacher_params=given["teacher"],
        num_inference_tokens=given["served"],
        num_student_tokens_bounds=(1e3, given["tokens"]),
    ),
    **{f"distill, {name}": _distil(name) for name in _SCENARIOS},
    "distill for money": _for_money,
    "distill, any size": _any_size,
    "distill_family, all": _family("all"),
    "distill_family, free": _family("free"),
    **_COMPOSED,
}
