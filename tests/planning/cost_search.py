"""Random problems of six kinds of cost, and a dense search on the raw laws in NumPy."""

import dataclasses

import numpy as np

from jaxlaws import presets
from jaxlaws.planning import (
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING_AND_INFERENCE,
    Costs,
    compute_optimal,
    distill,
    distill_family,
    is_solved,
    train_on_limited_data,
)
from tests.planning.in_numpy import student_loss, trained_loss

_LAW = presets.load("besiroglu2024")
_DISTILLED = presets.load("busbridge2025_refit")
_EXPERTS = presets.load("krajewski2024")
_REPEATED = presets.load("muennighoff2023")


@dataclasses.dataclass(frozen=True)
class Searched:
    """A plan, and what the dense search says of its problem.

    Attributes:
        loss: loss that the plan states.
        raw_loss: loss of the plan's sizes and tokens by the raw law.
        least: least loss of the search.
        spent: what the plan spends, as it states.
        raw_spent: cost of the plan's sizes and tokens by the formula of the problem.
        budget: the budget.
        solved: whether the status says that the plan is a solution.
    """

    loss: float
    raw_loss: float
    least: float
    spent: float
    raw_spent: float
    budget: float
    solved: bool


def _searched(plan, budget, raw_loss, raw_spent, least):
    return Searched(
        loss=float(plan.loss),
        raw_loss=float(raw_loss),
        least=float(np.nanmin(least)),
        spent=float(plan.flops),
        raw_spent=float(raw_spent),
        budget=budget,
        solved=bool(is_solved(plan.status)),
    )


def _money(random):
    """Prices in dollars, and the budget, for 1e20 to 1e24 FLOPs of training."""
    flop = 10 ** random.uniform(-19, -17)
    return flop, flop * 10 ** random.uniform(20, 24)


def _log_grid(low, high, points):
    return np.geomspace(low, high, points)


def _alone(law, size, tokens):
    return law.E + law.A / size**law.alpha + law.B / tokens**law.beta


def _positive(tokens):
    return np.where(tokens > 0, tokens, np.nan)


def _distillation(random, points, cost, budget, scenario):
    """A student of given size; the search is over the teacher's size and tokens."""
    size = 10 ** random.uniform(8, 10)
    served = random.uniform(0, 0.5) * budget / (cost.serving * 2 * size)
    plan = distill(
        _DISTILLED,
        flops=budget,
        num_student_params=size,
        num_inference_tokens=served,
        num_teacher_tokens_bounds=(1e3, 1e14),
        scenario=scenario,
        cost=cost,
    )
    paid = float(scenario.pretraining)

    def fixed(teacher, teacher_tokens):
        of_teacher = cost.training * 6 * teacher + cost.token
        return cost.serving * 2 * size * served + paid * of_teacher * teacher_tokens

    def of_token(teacher):
        return cost.training * 6 * size + cost.logits * 2 * teacher + cost.token

    num = int(points**0.5) if paid else points
    teachers = _log_grid(1e7, 1e12, num)[:, None]
    teacher_tokens = _log_grid(1e8, 1e14, num) if paid else np.array([1e14])
    tokens = _positive((budget - fixed(teachers, teacher_tokens)) / of_token(teachers))
    taught = trained_loss(_DISTILLED, teachers, teacher_tokens)
    chosen = plan.num_teacher_params, plan.num_teacher_tokens
    return _searched(
        plan,
        budget,
        student_loss(_DISTILLED, size, plan.num_student_tokens, trained_loss(_DISTILLED, *chosen)),
        fixed(*chosen) + of_token(chosen[0]) * plan.num_student_tokens,
        student_loss(_DISTILLED, size, tokens, taught),
    )


def training_price(random, points):
    """A price of training that differs from that of logits and serving."""
    price, budget = _money(random)
    cost = Costs(training=price * 10 ** random.uniform(-1, 1), serving=price, logits=price)
    return _distillation(random, points, cost, budget, TEACHER_PRETRAINING_AND_INFERENCE)


def logits_price(random, points):
    """A price of logits, from nearly nothing to a hundred times that of training."""
    price, budget = _money(random)
    cost = Costs(training=price, serving=price, logits=price * 10 ** random.uniform(-3, 2))
    scenarios = TEACHER_INFERENCE, TEACHER_PRETRAINING_AND_INFERENCE
    return _distillation(random, points, cost, budget, scenarios[random.integers(2)])


def serving_price(random, points):
    """A model that serves a demand at another price than that of its training."""
    price, budget = _money(random)
    cost = Costs(training=price, serving=price * 10 ** random.uniform(-1, 1))
    served = 10 ** random.uniform(-1, 1) * np.sqrt(budget / price / 6)
    plan = compute_optimal(_LAW, flops=budget, num_inference_tokens=served, cost=cost)

    def serving(size):
        return cost.serving * 2 * size * served

    sizes = _log_grid(1e6, 1e14, points)
    tokens = _positive((budget - serving(sizes)) / (cost.training * 6 * sizes))
    return _searched(
        plan,
        budget,
        _alone(_LAW, plan.num_params, plan.num_tokens),
        serving(plan.num_params) + cost.training * 6 * plan.num_params * plan.num_tokens,
        _alone(_LAW, sizes, tokens),
    )


def token_price(random, points):
    """A price of data: of a model alone, of distinct tokens, or of a student and its teacher."""
    price, budget = _money(random)
    cost = Costs(
        training=price,
        serving=price,
        logits=price,
        token=budget / np.sqrt(budget / price / 6) * 10 ** random.uniform(-2, 1),
    )
    question = random.integers(3)
    if question == 0:
        return _distillation(random, points, cost, budget, TEACHER_PRETRAINING_AND_INFERENCE)
    sizes = _log_grid(1e6, 1e14, points)
    if question == 1:
        plan = compute_optimal(_LAW, flops=budget, cost=cost)
        tokens = budget / (cost.training * 6 * sizes + cost.token)
        raw_loss = _alone(_LAW, plan.num_params, plan.num_tokens)
        training = cost.training * 6 * plan.num_params * plan.num_tokens
        raw_spent = training + cost.token * plan.num_tokens
        return _searched(plan, budget, raw_loss, raw_spent, _alone(_LAW, sizes, tokens))
    unique = 10 ** random.uniform(-1.5, 0) * budget / cost.token
    plan = train_on_limited_data(_REPEATED, flops=budget, num_unique_tokens=unique, cost=cost)
    passes = cost.training * 6 * sizes
    new, repeated = budget / (passes + cost.token), (budget - cost.token * unique) / passes
    least = _of_repeated(sizes, np.where(new <= unique, new, repeated), unique)
    training = cost.training * 6 * plan.num_params * plan.num_tokens
    return _searched(
        plan,
        budget,
        _of_repeated(plan.num_params, plan.num_tokens, unique),
        training + cost.token * np.minimum(plan.num_tokens, unique),
        least,
    )


def _of_repeated(size, tokens, unique):
    """Muennighoff et al. 2023: repeated tokens, and parameters beyond the best size, count less."""
    law = _REPEATED
    distinct = np.minimum(tokens, unique)
    ratio = law.alpha * law.A / (law.beta * law.B)
    best = np.minimum(size, (ratio * distinct**law.beta) ** (1 / law.alpha))
    own = best * (1 + law.R_N * (1 - np.exp(-(size / best - 1) / law.R_N)))
    worth = distinct * (1 + law.R_D * (1 - np.exp(-(tokens / distinct - 1) / law.R_D)))
    return _alone(law, own, worth)


def student_caps(random, points):
    """Two students with a cap for each; the search is over the teacher and the split."""
    price, budget = _money(random)
    cost = Costs(training=price, serving=price * 3, logits=price)
    sizes = 10 ** random.uniform(8, 10, 2)
    served = random.uniform(0, 0.3, 2) * budget / (cost.serving * 2 * sizes)
    each = budget / price / 6 / sizes / 4
    caps = each * 10 ** random.uniform(-1, 0.5, 2)
    plan = distill_family(
        _DISTILLED,
        flops=budget,
        num_student_params=sizes,
        num_inference_tokens=served,
        num_student_tokens_bounds=(1e3, caps),
        scenario=TEACHER_PRETRAINING_AND_INFERENCE,
        cost=cost,
    )

    def fixed(teacher, teacher_tokens):
        serving = cost.serving * 2 * (sizes * served).sum()
        return serving + cost.training * 6 * teacher * teacher_tokens

    def of_token(size, teacher):
        return cost.training * 6 * size + cost.logits * 2 * teacher

    def losses(tokens, taught):
        pairs = zip(sizes, tokens, strict=True)
        return sum(student_loss(_DISTILLED, size, each, taught) for size, each in pairs) / 2

    num = round(points ** (1 / 3))
    teachers = _log_grid(1e8, 1e11, num)[:, None, None]
    teacher_tokens = _log_grid(1e9, 1e13, num)[:, None]
    left = _positive(budget - fixed(teachers, teacher_tokens))
    first = np.minimum(
        np.linspace(0, 1, num + 2)[1:-1] * left / of_token(sizes[0], teachers), caps[0]
    )
    rest = _positive(left - first * of_token(sizes[0], teachers))
    second = np.minimum(rest / of_token(sizes[1], teachers), caps[1])
    taught = trained_loss(_DISTILLED, teachers, teacher_tokens)
    chosen = plan.num_teacher_params, plan.num_teacher_tokens
    assert not (plan.num_student_tokens > caps * (1 + 1e-9)).any()
    return _searched(
        plan,
        budget,
        losses(plan.num_student_tokens, trained_loss(_DISTILLED, *chosen)),
        fixed(*chosen) + (of_token(sizes, chosen[0]) * plan.num_student_tokens).sum(),
        losses((first, second), taught),
    )


def routed(num_params, granularity):
    """Forward FLOPs per token of experts, with routing that grows with the granularity."""
    return 2 * num_params + 2e6 * granularity * num_params ** (1 / 3)


def further_input(random, points):
    """The granularity of a mixture of experts, chosen within bounds; finer experts cost more."""
    price, budget = _money(random)
    cost = Costs(training=price, serving=price)
    most = float(random.choice([4.0, 64.0, 1e4]))
    plan = compute_optimal(
        _EXPERTS,
        flops=budget,
        forward_flops=routed,
        input_bounds={"granularity": (1.0, most)},
        cost=cost,
    )
    law = _EXPERTS

    def raw(size, tokens, granularity):
        amplitude = law.g / granularity**law.gamma + law.a
        return law.c + amplitude / size**law.alpha + law.b / tokens**law.beta

    num = int(points**0.5)
    sizes, granularities = _log_grid(1e7, 1e13, num)[:, None], _log_grid(1.0, most, num)
    tokens = budget / (price * 3 * routed(sizes, granularities))
    chosen = plan.further_inputs.granularity
    assert 1 <= chosen <= most
    return _searched(
        plan,
        budget,
        raw(plan.num_params, plan.num_tokens, chosen),
        price * 3 * routed(plan.num_params, chosen) * plan.num_tokens,
        raw(sizes, tokens, granularities),
    )


KINDS = {
    "training price": training_price,
    "serving price": serving_price,
    "logits price": logits_price,
    "token price": token_price,
    "student caps": student_caps,
    "further input": further_input,
}
