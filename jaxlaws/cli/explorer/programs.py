"""Planning functions as compiled programs of fixed shapes, one call for each answer of a view.

Outside a program, each planning function is a call of its own, and a search for a budget is dozens
of calls. Inside one program an answer takes a few milliseconds. The programs are compiled without
LLVM's expensive optimisations, which take half of the time and make small batches no faster.
"""

import dataclasses
import functools
from collections.abc import Callable

import jax
import numpy as np

from jaxlaws import planning
from jaxlaws.cli.options.plan_options import ScenarioName, scenario_of
from jaxlaws.compute import ForwardFlops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.engine.scenarios import charged_costs
from jaxlaws.precision import float64, to_float64, to_numpy

NUM_BUDGETS = 16  # of a curve over budgets; the last is that of the user
_COMPILER_OPTIONS = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
}


def budgets_with(budget: float, low: float, high: float) -> np.ndarray:
    """The budgets of a curve, `(NUM_BUDGETS,)`, the user's own at the end."""
    return np.append(np.geomspace(low, high, NUM_BUDGETS - 1), budget)


def program(*static: str) -> Callable[[Callable[..., Tree]], Callable[..., Tree]]:
    """A decorator: a function of arrays by keyword becomes a program in float64.

    Args:
        static: the names of keywords that are part of the program, such as a function.
    """

    def decorate(function: Callable[..., Tree]) -> Callable[..., Tree]:
        compiled = jax.jit(function, static_argnames=static, compiler_options=_COMPILER_OPTIONS)

        @functools.wraps(function)
        def call(**given: Tree) -> Tree:
            numbers = {name: each for name, each in given.items() if name not in static}
            fixed = {name: given[name] for name in static}
            with float64():
                return to_numpy(compiled(**to_float64(numbers), **fixed))

        return call

    return decorate


@program("forward_flops")
def distilled(
    *, law: Tree, scenario: planning.Scenario, forward_flops: ForwardFlops, **inputs: Array
) -> planning.DistillationPlan:
    """The plans of `distill`; see `inputs_of`."""
    return planning.distill(law, scenario=scenario, forward_flops=forward_flops, **inputs)


@program("forward_flops")
def trained(*, law: Tree, forward_flops: ForwardFlops, **inputs: Array) -> planning.SupervisedPlan:
    """The plans of `train_fixed`; see `inputs_of`."""
    return planning.train_fixed(law, forward_flops=forward_flops, **inputs)


def inputs_of(
    budgets: np.ndarray, served: float = 0.0, **sizes: float | np.ndarray
) -> dict[str, np.ndarray]:
    """The inputs of the two programs above: arrays of one length, so that views share them."""
    given = {"flops": budgets, "num_inference_tokens": served, **sizes}
    return {name: np.broadcast_to(each, budgets.shape) for name, each in given.items()}


def traced_scenario(name: ScenarioName) -> planning.Scenario:
    """A scenario whose program is shared by all scenarios that charge the same kinds of costs."""
    scenario = scenario_of(name)
    return dataclasses.replace(scenario, charged=charged_costs(scenario))
