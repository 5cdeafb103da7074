"""Compute-optimal training: the best model that a budget can train (Hoffmann et al. 2022)."""

import dataclasses
import functools
import inspect
import itertools
from collections.abc import Mapping

import jax.numpy as jnp

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, supervised_law
from jaxlaws.planning.engine.costs import (
    Costs,
    affordable_tokens,
    cost_inputs,
    cost_of_data,
    in_training_flops,
    spent,
)
from jaxlaws.planning.engine.evaluation import Question, ask
from jaxlaws.planning.engine.limits import Limit, constraints_of
from jaxlaws.planning.engine.plans import (
    SupervisedPlan,
    bounds_and_values,
    shares_of,
    status_of,
    tokens_for_rest,
    variable_value,
    where_possible,
)
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.solver.batched import Point
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.planning.solver.problem import Problem, Reduction, evenly_spaced
from jaxlaws.precision import Precision

_NUM_CANDIDATES = 65
_NUM_OF_FURTHER = 9  # candidates of each further input
_MOST_FURTHER = 2
_NAMES = ("num_params", "num_tokens")


@dataclasses.dataclass(frozen=True)
class _Variables:
    """What a plan chooses: size, tokens and further inputs of the law.

    Attributes:
        further: the names of the further inputs.
        of_cost: the further inputs that the forward FLOPs per token depend on.
    """

    further: tuple[str, ...] = ()
    of_cost: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order of the solver."""
        return (*_NAMES, *self.further)

    def forward_flops(self, given: Record, num_params: Array, further: Point) -> Array:
        """The forward FLOPs per token."""
        values = dict(zip(self.further, further, strict=True))
        return given.forward_flops(num_params, **{name: values[name] for name in self.of_cost})


_SIZE_AND_TOKENS = _Variables()


def allocation_problem(given: Record, variables: _Variables = _SIZE_AND_TOKENS) -> Problem:
    """The problem: least loss over the logarithms of size and tokens, within a budget."""
    given = in_training_flops(given)
    lower = [jnp.log(given.lower[name]) for name in variables.names]
    upper = [jnp.log(given.upper[name]) for name in variables.names]

    def forward_flops(point: Point) -> Array:
        return variables.forward_flops(given, jnp.exp(point[0]), [jnp.exp(x) for x in point[2:]])

    def objective(point: Point) -> Array:
        values = {name: jnp.exp(x) for name, x in zip(variables.names, point, strict=True)}
        return given.law.loss(**values)

    def log_cost(point: Point) -> Array:
        forward, tokens = forward_flops(point), jnp.exp(point[1])
        passes = 3 * tokens + given.num_inference_tokens + cost_of_data(given, tokens, forward)
        return jnp.log(forward) + jnp.log(passes)

    def to_point(coordinates: Point, relaxation: Point) -> Point:
        log_size, *further = coordinates
        forward = forward_flops([log_size, lower[1], *further])
        budget = given.flops * jnp.exp(relaxation[0])
        passes = budget / forward - given.num_inference_tokens
        affordable = passes > 0  # false where serving alone costs more than the budget
        tokens = affordable_tokens(given, jnp.where(affordable, passes, 3.0), 3, forward)
        return [log_size, jnp.where(affordable, jnp.log(tokens), lower[1] - 1.0), *further]

    def candidate(index: Array) -> Point:
        further = []
        for low, high in zip(lower[2:], upper[2:], strict=True):
            further.append(evenly_spaced(low, high, index % _NUM_OF_FURTHER, _NUM_OF_FURTHER))
            index = index // _NUM_OF_FURTHER
        return [evenly_spaced(lower[0], upper[0], index, _NUM_CANDIDATES), *further]

    ends = itertools.product(*zip(lower[2:], upper[2:], strict=True))
    cheapest = functools.reduce(jnp.minimum, [log_cost([*lower[:2], *end]) for end in ends])
    return Problem(
        objective=objective,
        has_unit=True,
        lower=lower,
        upper=upper,
        constraints=(
            lambda point: jnp.log(given.flops) - log_cost(point),
            *constraints_of(given, variables.names),
        ),
        preference=log_cost,
        reduction=Reduction(
            to_point=to_point,
            candidate=candidate,
            num_candidates=_NUM_CANDIDATES * _NUM_OF_FURTHER ** len(variables.further),
        ),
        possible=cheapest <= jnp.log(given.flops),
    )


def allocation_plan(
    given: Record, solution: Solution, variables: _Variables = _SIZE_AND_TOKENS
) -> SupervisedPlan:
    """The plan from a solution of `allocation_problem`."""
    given = in_training_flops(given)
    num_params = variable_value(given, solution, "num_params", 0)
    further = {
        name: variable_value(given, solution, name, index)
        for index, name in enumerate(variables.further, start=2)
    }
    forward = variables.forward_flops(given, num_params, list(further.values()))
    serving = forward * given.num_inference_tokens
    rest = affordable_tokens(given, given.flops - serving, 3 * forward)
    num_tokens = tokens_for_rest(given, solution, "num_tokens", 1, rest)
    loss = given.law.loss(num_params=num_params, num_tokens=num_tokens, **further)
    flops, shares = shares_of(
        solution,
        student=3 * forward * num_tokens,
        serving=serving,
        data=cost_of_data(given, num_tokens),
    )
    return SupervisedPlan(
        num_params=where_possible(solution, num_params),
        num_tokens=where_possible(solution, num_tokens),
        loss=where_possible(solution, loss),
        flops=spent(given, flops),
        shares=shares,
        status=status_of(solution, loss, unspent=~solution.binding[0]),
        **bounds_and_values(
            solution,
            variables.names,
            flops=solution.multipliers[0],
            limits=given.limits,
        ),
        further_inputs=Record({k: where_possible(solution, v) for k, v in further.items()}),
    )


@functools.cache
def _question(variables: _Variables) -> Question:
    return Question(
        problem=functools.partial(allocation_problem, variables=variables),
        plan=functools.partial(allocation_plan, variables=variables),
        takes_limits=True,
        may_be_zero=("num_inference_tokens",),
    )


def _variables(input_bounds: Mapping[str, Bounds], forward_flops: ForwardFlops) -> _Variables:
    """The variables of a plan that chooses further inputs of the law.

    Raises:
        ValueError: there are more than two further inputs, or one of them is a size or tokens.
    """
    own = [name for name in input_bounds if name in _NAMES]
    if own or len(input_bounds) > _MOST_FURTHER:
        raise ValueError(
            f"input_bounds takes at most {_MOST_FURTHER} inputs of the law beside num_params and "
            f"num_tokens, got {', '.join(input_bounds)}. Fix the value of other inputs first: "
            "fix_inputs(law, name=value)"
        )
    further = tuple(sorted(input_bounds))
    taken = inspect.signature(forward_flops).parameters if further else ()
    return _Variables(further=further, of_cost=tuple(name for name in further if name in taken))


def compute_optimal(
    law: Tree,
    *,
    flops: Array,
    num_inference_tokens: Array = 0.0,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
    cost: Costs | None = None,
    input_bounds: Mapping[str, Bounds] | None = None,
    precision: Precision | None = None,
) -> SupervisedPlan:
    """The size and the tokens with the least loss within `F(N) (3 D + D_serve) <= flops`.

    Args:
        law: a law of `num_params` and `num_tokens`, or a distillation law, whose `supervised` is
            used.
        flops: the whole budget, any shape.
        num_inference_tokens: tokens that the model will serve. Serving costs `F(N)` FLOPs per
            token, which the budget pays for; more served tokens make a smaller model optimal
            (Sardana et al. 2023).
        forward_flops: forward FLOPs per token of a model of given size.
        num_params_bounds: lower and upper bound of the size, broadcast with the budget.
        num_tokens_bounds: lower and upper bound of the tokens, broadcast with the budget.
        limits: upper limits on other quantities of `num_params` and `num_tokens`, by names of
            your choice.
        cost: prices of training, serving and data, see `Costs`.
        input_bounds: lower and upper bound of further inputs of the law, by name, at most two: the
            plan chooses them as well. Limits receive them by name, and so does `forward_flops` if
            it has a parameter of that name. A further input with a given value is fixed first:
            `fix_inputs(law, granularity=8.0)`.
        precision: of the computation inside a trace, see `Precision`.

    Returns:
        A plan whose leaves have the broadcast shape: NumPy float64 for concrete inputs, the
        caller's dtype inside a trace. `further_inputs` has the inputs of `input_bounds`.

    Raises:
        ValueError: the budget or a bound is not positive and finite, or bounds exclude each
            other. Inside a trace the plan then has the status INFEASIBLE and NaN for sizes.
        TypeError: the law is not a law of `num_params`, `num_tokens` and the inputs of
            `input_bounds`, and has no such law as `supervised`.

    >>> from jaxlaws import presets
    >>> plan = compute_optimal(presets.load("besiroglu2024"), flops=5.76e23)
    >>> f"{plan.num_params:.3g} parameters, {plan.num_tokens:.3g} tokens"
    '7.22e+10 parameters, 1.33e+12 tokens'

    Experts of a mixture, where routing costs more compute the smaller the experts are:

    >>> def routed(num_params, granularity):
    ...     return 2 * num_params + 2e6 * granularity * num_params ** (1 / 3)
    >>> law = presets.load("krajewski2024")
    >>> bounds = {"granularity": (1, 64)}
    >>> plan = compute_optimal(law, flops=1e21, forward_flops=routed, input_bounds=bounds)
    >>> f"{plan.num_params:.3g} parameters, granularity {plan.further_inputs.granularity:.1f}"
    '2.47e+10 parameters, granularity 2.8'
    """
    variables = _variables(input_bounds or {}, forward_flops)
    return ask(
        _question(variables),
        supervised_law(law, variables.further),
        {"flops": flops, "num_inference_tokens": num_inference_tokens, **cost_inputs(cost)},
        bounds={
            "num_params": num_params_bounds,
            "num_tokens": num_tokens_bounds,
            **(input_bounds or {}),
        },
        limits=limits,
        functions={"forward_flops": forward_flops},
        precision=precision,
    )
