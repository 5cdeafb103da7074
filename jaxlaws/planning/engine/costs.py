"""The prices of what a plan buys, in the unit of its budget: FLOPs, money, or another unit.

A question with prices is converted to FLOPs of training: the budget and the prices are divided by
the price of a FLOP of training. A dearer FLOP of serving then counts as more served tokens, and
one of logits as a higher share of the logits; only the price of a token is a new term.
"""

from collections.abc import Mapping, Sequence
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.engine.entries import valid_input
from jaxlaws.planning.engine.record import Record
from jaxlaws.precision import in_jax
from jaxlaws.pytree import pytree

_SECONDS_PER_HOUR = 3600.0

# The prices that may be zero, by the names that they have among the inputs of a question.
MAY_BE_FREE = ("cost.serving", "cost.logits", "cost.token")


@pytree
class Hardware:
    """An accelerator: its price, its speed, and the fraction of its speed that is used.

    Attributes:
        dollars_per_hour: price of one hour.
        flops_per_second: peak speed.
        utilisation: the fraction of the peak that the work reaches, above 0 and at most 1.
    """

    dollars_per_hour: Array
    flops_per_second: Array
    utilisation: Array

    @property
    def dollars_per_flop(self) -> Array:
        """The price of one useful FLOP.

        Raises:
            ValueError: a number is not positive and finite, or the utilisation is above 1.

        >>> used = Hardware(dollars_per_hour=2, flops_per_second=1e15, utilisation=0.4)
        >>> f"{used.dollars_per_flop:.2e}"
        '1.39e-18'
        """
        check_hardware("hardware", self)
        return self.dollars_per_hour / (
            _SECONDS_PER_HOUR * self.flops_per_second * self.utilisation
        )


@pytree
class Costs:
    """The prices of what a plan buys. Every question with a budget takes them as `cost`.

    The budget of the question, `flops`, and the `flops` of its plan are then in the unit of the
    prices. The prices broadcast with the budget. The defaults count FLOPs, and data cost nothing.

    Attributes:
        training: price of a FLOP that trains a student, a teacher or a model without a teacher;
            above zero.
        serving: price of a FLOP of serving, zero or more.
        logits: price of a FLOP of the teacher's inference on the student's tokens, zero or more.
        token: price of a token of data, zero or more. Each model buys the tokens that it is
            trained on, a teacher as far as the scenario charges its training. Repeated tokens of
            `train_on_limited_data` are bought once.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import compute_optimal
    >>> law = presets.load("besiroglu2024")
    >>> for token in (0.0, 1e-5):  # dollars
    ...     cost = Costs(training=1.4e-18, token=token)
    ...     plan = compute_optimal(law, flops=1e6, cost=cost)
    ...     print(f"{plan.num_params:.2g} parameters, {plan.shares.data:.0%} of the money for data")
    8.1e+10 parameters, 0% of the money for data
    3.2e+11 parameters, 79% of the money for data
    """

    training: Array = 1.0
    serving: Array = 1.0
    logits: Array = 1.0
    token: Array = 0.0

    @classmethod
    def in_dollars(
        cls,
        *,
        training: Hardware,
        serving: Hardware | None = None,
        logits: Hardware | None = None,
        token: Array = 0.0,
    ) -> "Costs":
        """Prices in dollars.

        Args:
            training: the hardware that models are trained on.
            serving: the hardware that models are served on. None: that of training.
            logits: the hardware that computes the logits of a teacher. None: that of training.
            token: price of a token of data in dollars.

        Raises:
            TypeError: an argument is not a `Hardware`.
            ValueError: a price or a speed is not positive and finite, or a utilisation is above 1.

        >>> fast = Hardware(dollars_per_hour=2, flops_per_second=1e15, utilisation=0.4)
        >>> slow = Hardware(dollars_per_hour=2, flops_per_second=1e15, utilisation=0.1)
        >>> cost = Costs.in_dollars(training=fast, serving=slow)
        >>> f"{cost.training:.2e}, {cost.serving:.2e}, {cost.logits:.2e}"
        '1.39e-18, 5.56e-18, 1.39e-18'
        """
        used = {"training": training, "serving": serving or training, "logits": logits or training}
        for name, hardware in used.items():
            check_hardware(name, hardware)
        prices = {name: hardware.dollars_per_flop for name, hardware in used.items()}
        return cls(**prices, token=token)


def check_hardware(name: str, hardware: object) -> None:
    """Check that an argument is a `Hardware` whose numbers make sense.

    Raises:
        TypeError: it is not a `Hardware`.
        ValueError: a price or a speed is not positive and finite, or a utilisation is above 1.
    """
    if not isinstance(hardware, Hardware):
        raise TypeError(f"{name} must be a Hardware, got {hardware!r}")
    numbers = {f"{name}.{field}": value for field, value in vars(hardware).items()}
    check_numbers(numbers, at_most_one=f"{name}.utilisation")


def check_numbers(
    numbers: Mapping[str, Array], *, may_be_zero: Sequence[str] = (), at_most_one: str = ""
) -> None:
    """Check that numbers are positive and finite. Traced numbers are not checked.

    Args:
        numbers: the numbers by name, for the error.
        may_be_zero: names of numbers that may be zero.
        at_most_one: name of a number that may not be above 1.

    Raises:
        TypeError: a value is not a number and not an array of numbers.
        ValueError: a number is not valid.
    """
    for name, value in numbers.items():
        if in_jax(value):
            continue
        valid, _ = valid_input(name, value, np, may_be_zero=name in may_be_zero)
        if name == at_most_one and (valid > 1).any():
            raise ValueError(f"{name} must be at most 1, got {value}")


def check_costs(cost: Costs | None) -> None:
    """Check the argument `cost` of a planning function. Traced prices are not checked.

    Raises:
        TypeError: the argument is not a `Costs`, or a price is not a number.
        ValueError: a price is negative or not finite, or training costs nothing.
    """
    if cost is not None and not isinstance(cost, Costs):
        raise TypeError(f"cost must be a Costs such as Costs(token=1e-6), got {cost!r}")
    if cost is not None and not in_jax(cost):
        for name, price in _named(cost).items():
            valid_input(name, price, np, may_be_zero=name in MAY_BE_FREE)


def log_price_of_flop(cost: Costs | None, xp: ModuleType) -> Array:
    """The logarithm of the price of a FLOP of training, by which a range of budgets moves.

    Args:
        cost: the prices; for None it is zero.
        xp: `jax.numpy` inside a trace, else NumPy.
    """
    return xp.zeros(()) if cost is None else xp.log(xp.asarray(cost.training))


def cost_inputs(cost: Costs | None) -> dict[str, Array]:
    """The prices as inputs of a question, by name; empty for None.

    Raises:
        TypeError: as `check_costs`.
        ValueError: as `check_costs`. Inside a trace the plan then has the status INFEASIBLE.
    """
    check_costs(cost)
    return {} if cost is None else _named(cost)


def _named(cost: Costs) -> dict[str, Array]:
    return {f"cost.{name}": price for name, price in vars(cost).items()}


def in_training_flops(given: Record) -> Record:
    """What a question is given, with the budget and all costs in FLOPs of training.

    Args:
        given: with `cost_inputs` among the inputs. Without them it is returned unchanged.

    Returns:
        The record, without the prices. `token_flops` is the price of a token of data, and
        `price_of_flop` is the price of a FLOP of training.
    """
    if "cost.training" not in given:
        return given
    names = ("cost.training", *MAY_BE_FREE)
    price, serving, logits, token = (given[name] for name in names)
    converted: dict[str, Tree] = {k: v for k, v in given.items() if k not in names}
    factors = {"flops": 1.0, "num_inference_tokens": serving, "logits": logits}
    for name in factors.keys() & converted.keys():
        factor = factors[name] / price
        converted[name] = jax.tree.map(lambda value, by=factor: value * by, converted[name])
    return Record(converted, token_flops=token / price, price_of_flop=price)


def spent(given: Record, flops: Array) -> Array:
    """FLOPs of training in the unit of the budget; `given` as `in_training_flops` returns it."""
    return flops * given.price_of_flop if "price_of_flop" in given else flops


def price_of_token(given: Record) -> Array:
    """The price of a token of data in FLOPs of training; `given` likewise."""
    return given.get("token_flops", 0.0)


def cost_of_data(given: Record, num_tokens: Array, unit: Array = 1.0) -> Array:
    """The price of the distinct tokens among the tokens of one model.

    Args:
        given: likewise.
        num_tokens: all tokens that the model is trained on.
        unit: a number of FLOPs of training.
    """
    if "token_flops" not in given:
        return 0.0
    if "num_unique_tokens" in given:
        num_tokens = jnp.minimum(num_tokens, given.num_unique_tokens)
    return given.token_flops * num_tokens / unit


def affordable_tokens(given: Record, left: Array, training: Array, unit: Array = 1.0) -> Array:
    """The number of tokens that a rest of the budget pays for, with their data.

    Args:
        given: likewise.
        left: the rest of the budget, in units.
        training: the cost of training on one token, in units.
        unit: a number of FLOPs of training.
    """
    if "token_flops" not in given:
        return left / training
    price = given.token_flops / unit
    distinct = left / (training + price)
    if "num_unique_tokens" not in given:
        return distinct
    repeated = (left - price * given.num_unique_tokens) / training
    return jnp.where(distinct <= given.num_unique_tokens, distinct, repeated)


def log_affordable_tokens(given: Record, left: Array, training: Array) -> Array:
    """The logarithm of `affordable_tokens`."""
    if "token_flops" not in given:
        return jnp.log(left) - jnp.log(training)
    return jnp.log(affordable_tokens(given, left, training))


def cost_of_repeated_data(given: Record, num_tokens: Array) -> Array:
    """The price of all distinct tokens where tokens are repeated, else 0; `given` likewise."""
    if "token_flops" not in given or "num_unique_tokens" not in given:
        return 0.0
    unique = given.num_unique_tokens
    return jnp.where(num_tokens > unique, given.token_flops * unique, 0.0)
