"""The budget for which a given size, or a given number of tokens, is compute-optimal."""

from collections.abc import Mapping

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.analysis.inverse import least_budget, where_reached
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds
from jaxlaws.planning.engine.costs import Costs
from jaxlaws.planning.engine.entries import valid_input
from jaxlaws.planning.engine.limits import Limit
from jaxlaws.planning.engine.plans import SupervisedPlan
from jaxlaws.planning.engine.programs import compiled_when_traced
from jaxlaws.planning.supervised.allocation import compute_optimal
from jaxlaws.precision import Precision, array_module


@compiled_when_traced("flops_bounds")
def optimal_budget(
    law: Tree,
    *,
    num_params: Array | None = None,
    num_tokens: Array | None = None,
    num_inference_tokens: Array = 0.0,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
    cost: Costs | None = None,
    input_bounds: Mapping[str, Bounds] | None = None,
    flops_bounds: tuple[float, float] | None = None,
    precision: Precision | None = None,
) -> SupervisedPlan:
    """The compute-optimal plan of a given size, or of a given number of tokens.

    It answers how many tokens are compute-optimal for a model, and what they cost: the plan of
    `compute_optimal` for the least budget whose best size (or best number of tokens) is the given
    one.

    Args:
        law: a law of `num_params` and `num_tokens`, or a distillation law, whose `supervised` is
            used.
        num_params: the size, any shape. Give either a size or tokens.
        num_tokens: the number of tokens, any shape.
        num_inference_tokens: as in `compute_optimal`.
        forward_flops: forward FLOPs per token of a model of given size.
        num_params_bounds: lower and upper bound of the size.
        num_tokens_bounds: lower and upper bound of the tokens.
        limits: upper limits on other quantities, as in `compute_optimal`.
        cost: prices of training, serving and data, see `Costs`.
        input_bounds: bounds of further inputs of the law, which are chosen as in `compute_optimal`.
        flops_bounds: least and largest budget of the search, in the unit of the budget. None: 1e6
            to 1e36 FLOPs of training.
        precision: of the computation inside a trace, see `Precision`.

    Returns:
        The plan; its `flops` is the budget. NumPy float64 outside a trace, in the caller's dtype
        inside one, with the derivatives of the implicit function theorem. Where the given number
        is not optimal for any budget, the status is INFEASIBLE and all numbers are NaN.

    Raises:
        ValueError: not exactly one of size and tokens is given, or an input is not positive and
            finite. Inside a trace the plan then has the status INFEASIBLE.
        TypeError: as `compute_optimal`.

    >>> from jaxlaws import presets
    >>> plan = optimal_budget(presets.load("besiroglu2024"), num_params=124e6)
    >>> f"{plan.num_tokens:.3g} tokens, {plan.flops:.3g} FLOPs, loss {plan.loss:.3f}"
    '3.12e+09 tokens, 2.32e+18 FLOPs, loss 3.257'
    """
    given = {"num_params": num_params, "num_tokens": num_tokens}
    given = {name: value for name, value in given.items() if value is not None}
    if len(given) != 1:
        raise ValueError("optimal_budget takes either num_params or num_tokens: give one of them")
    ((name, value),) = given.items()
    inputs = {
        "num_inference_tokens": num_inference_tokens,
        "forward_flops": forward_flops,
        "num_params_bounds": num_params_bounds,
        "num_tokens_bounds": num_tokens_bounds,
        "limits": limits,
        "cost": cost,
        "input_bounds": input_bounds,
    }
    xp = array_module(law, value, inputs)
    target, valid = valid_input(name, value, xp, replacement=1.0)

    def missing(plan: SupervisedPlan, target: Array) -> Array:
        """The log of the given number above the log of the optimal one."""
        return xp.log(target) - xp.log(getattr(plan, name))

    plan, rest = least_budget(compute_optimal, law, missing, target, flops_bounds, inputs)
    rounding = 1e-6 if rest.dtype == xp.float64 else 1e-3
    return where_reached(plan, valid & (xp.abs(rest) <= rounding), xp)
