"""Two ways to solve the fleet: Optax through the planner, and SLSQP on the raw law."""

import dataclasses
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy.optimize import minimize

from experiments.fleet import problem
from jaxlaws.planning import FamilyPlan
from tests.planning.in_numpy import student_loss, trained_loss

_STEPS, _RATE, _START = 200, 0.2, -1.0
_STARTS = 30


@dataclasses.dataclass(frozen=True)
class Solved:
    """The result of a method.

    Attributes:
        loss: mean loss of the products.
        num_tokens: tokens of data that the fleet has.
        num_teacher_params: size of the teacher.
        num_teacher_tokens: tokens of the teacher.
        num_student_tokens: tokens of each product.
        seconds_to_compile: time of the first step minus that of another step.
        seconds: time of all steps or starts after compilation.
        all_finite: whether every gradient was finite.
        plan: the plan, for the planner.
    """

    loss: float
    num_tokens: float
    num_teacher_params: float
    num_teacher_tokens: float
    num_student_tokens: np.ndarray
    seconds_to_compile: float
    seconds: float
    all_finite: bool = True
    plan: FamilyPlan | None = None


def with_optax() -> Solved:
    """Adam on the share of the money that buys data, in the precision that JAX has now."""
    step = jax.jit(jax.value_and_grad(problem.fleet_loss, has_aux=True))
    optimiser = optax.adam(optax.cosine_decay_schedule(_RATE, _STEPS))
    logit = jnp.asarray(_START, dtype=float)  # without a type, the second step compiles again
    state = optimiser.init(logit)
    begin = time.perf_counter()
    jax.block_until_ready(step(logit))
    compiled = time.perf_counter()
    all_finite = True
    for _ in range(_STEPS):
        _, slope = step(logit)
        all_finite = all_finite and bool(jnp.isfinite(slope))  # waits for the step
        update, state = optimiser.update(slope, state)
        logit = jnp.asarray(optax.apply_updates(logit, update))
    (_, plan), _ = step(logit)
    seconds = time.perf_counter() - compiled
    plan = jax.tree.map(np.asarray, plan)
    return Solved(
        loss=float(plan.loss),
        num_tokens=float(problem.num_tokens(problem.BUDGET * jax.nn.sigmoid(logit))),
        num_teacher_params=float(plan.num_teacher_params),
        num_teacher_tokens=float(plan.num_teacher_tokens),
        num_student_tokens=plan.num_student_tokens,
        seconds_to_compile=compiled - begin - seconds / (_STEPS + 1),
        seconds=seconds,
        all_finite=all_finite,
        plan=plan,
    )


def _sizes(logs: np.ndarray) -> tuple[float, float, np.ndarray, float]:
    """The teacher's size and tokens, the tokens of the products, and all tokens of data."""
    values = np.exp(logs)
    return values[0], values[1], values[2:5], values[5]


def _loss(logs: np.ndarray) -> float:
    teacher, teacher_tokens, tokens, _ = _sizes(logs)
    taught = trained_loss(problem.LAW, teacher, teacher_tokens)
    return problem.WEIGHTS @ student_loss(problem.LAW, problem.SIZES, tokens, taught)


def _slack(logs: np.ndarray) -> np.ndarray:
    """Zero or more where the budget, the deadline and the data are kept."""
    teacher, teacher_tokens, tokens, data = _sizes(logs)
    flops = 6 * teacher * teacher_tokens + ((6 * problem.SIZES + 2 * teacher) * tokens).sum()
    serving = (2 * problem.SIZES * problem.DEMAND).sum()
    dollars = (
        flops * problem.TRAINING.dollars_per_flop
        + serving * problem.SERVING.dollars_per_flop
        + (data - problem.OWN_TOKENS) * problem.DOLLARS_PER_TOKEN
    )
    rests = [problem.BUDGET / dollars, problem.MOST_FLOPS / flops, data / teacher_tokens]
    return np.log([*rests, *(data / tokens)])


def with_slsqp() -> Solved:
    """The best of thirty starts over the logarithms of all sizes and tokens."""
    random = np.random.default_rng(0)
    low = np.log(problem.LEAST_TOKENS)
    begin, best = time.perf_counter(), None
    for _ in range(_STARTS):
        start = [random.uniform(8.5, 11), *random.uniform(10.5, 12.5, 4), random.uniform(12, 12.5)]
        found = minimize(
            _loss,
            np.log(10) * np.array(start),
            method="SLSQP",
            bounds=[(low, np.log(1e14))] * 5 + [(np.log(problem.OWN_TOKENS), np.log(1e14))],
            constraints={"type": "ineq", "fun": _slack},
            options={"maxiter": 500, "ftol": 1e-12},
        )
        if _slack(found.x).min() > -1e-7 and (best is None or found.fun < best.fun):
            best = found
    if best is None:
        raise RuntimeError(f"none of {_STARTS} starts of SLSQP kept the constraints")
    teacher, teacher_tokens, tokens, data = _sizes(best.x)
    seconds = time.perf_counter() - begin
    return Solved(best.fun, data, teacher, teacher_tokens, tokens, 0.0, seconds)
