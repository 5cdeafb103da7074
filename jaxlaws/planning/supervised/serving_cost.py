"""Plans in money: what training and serving cost on given hardware (Sardana et al. 2024)."""

from typing import Any

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.inputs import as_float
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, checked
from jaxlaws.planning.engine.evaluation import compose
from jaxlaws.planning.engine.plans import SupervisedPlan
from jaxlaws.planning.supervised.serving import serve
from jaxlaws.precision import is_traced
from jaxlaws.pytree import pytree

_SECONDS = 3600.0


@pytree
class Hardware:
    """An accelerator, and what of it is used.

    Attributes:
        dollars_per_hour: its price.
        flops_per_second: its peak.
        utilisation: the fraction of the peak that the work gets, above 0 and at most 1.
    """

    dollars_per_hour: Any
    flops_per_second: Any
    utilisation: Any

    @property
    def dollars_per_flop(self) -> Any:
        """The price of one FLOP that does work.

        >>> used = Hardware(dollars_per_hour=2, flops_per_second=1e15, utilisation=0.4)
        >>> f"{used.dollars_per_flop:.2e}"
        '1.39e-18'
        """
        return self.dollars_per_hour / (_SECONDS * self.flops_per_second * self.utilisation)


@pytree
class PricedPlan:
    """A model trained once and served, in money.

    Attributes:
        dollars: what its life costs.
        training_dollars: of that, its training.
        serving_dollars: of that, serving.
        plan: size, tokens and loss; its `flops` and `shares` are priced as training.
    """

    dollars: Any
    training_dollars: Any
    serving_dollars: Any
    plan: SupervisedPlan


def _check(name: str, hardware: Any) -> None:
    if not isinstance(hardware, Hardware):
        raise TypeError(f"{name} must be a Hardware, got {hardware!r}")
    if is_traced(hardware):
        return
    for field, value in vars(hardware).items():
        if (checked(f"{name}.{field}", value) > 1).any() and field == "utilisation":
            raise ValueError(f"{name}.utilisation must be at most 1, got {value}")


def serve_for_money(
    law: Any,
    *,
    num_inference_tokens: Any,
    training: Hardware,
    serving: Hardware,
    target_loss: Any = None,
    dollars: Any = None,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_tokens_bounds: Bounds = DEFAULT_BOUNDS,
) -> PricedPlan:
    """The size and tokens of a model that is trained once and serves a known demand, in money.

    Its life costs `F(N) (3 D p + D_serve q)` dollars, with p and q the prices of a working FLOP in
    training and in serving. With `target_loss` the plan is the cheapest that reaches the loss, with
    `dollars` the one of least loss. It is `serve` with `D_serve q / p` tokens: serving at a low
    utilisation counts as serving more.

    Args:
        law: a law of `num_params` and `num_tokens` whose loss falls in both; a distillation law
            answers with its `supervised`.
        num_inference_tokens: tokens that the model will serve, any shape; 0 for none.
        training: the hardware to train on.
        serving: the hardware to serve on.
        target_loss: loss to reach, in the law's unit, broadcast with the tokens.
        dollars: lifetime budget, likewise. Exactly one of the two is given.
        forward_flops: forward FLOPs per token of a size.
        num_params_bounds: least and largest size.
        num_tokens_bounds: least and largest number of tokens.

    Raises:
        ValueError: both or none of loss and budget are given, a price, a peak or a utilisation is
            not positive and finite, a utilisation is above 1, or as `serve`.
        TypeError: the hardware is none, or the law is of another kind.

    >>> from jaxlaws import presets
    >>> fast = Hardware(dollars_per_hour=2, flops_per_second=1e15, utilisation=0.4)
    >>> slow = Hardware(dollars_per_hour=2, flops_per_second=1e15, utilisation=0.1)
    >>> for serving in (fast, slow):
    ...     answer = serve_for_money(
    ...         presets.load("besiroglu2024"), num_inference_tokens=1e13, target_loss=2.0,
    ...         training=fast, serving=serving,
    ...     )
    ...     print(f"{answer.plan.num_params:.2e} parameters, {answer.dollars:.2e} dollars")
    2.00e+10 parameters, 1.06e+06 dollars
    1.49e+10 parameters, 2.45e+06 dollars
    """
    _check("training", training)
    _check("serving", serving)
    if (target_loss is None) == (dollars is None):
        raise ValueError(
            "serve_for_money takes either target_loss, to be reached for the least money, or "
            "dollars, to be spent for the least loss: got "
            f"{'neither' if dollars is None else 'both'}"
        )
    asked = {"target_loss": target_loss, "dollars": dollars}
    asked = {name: as_float(name, value) for name, value in asked.items() if value is not None}
    settings = {
        "forward_flops": forward_flops,
        "num_params_bounds": num_params_bounds,
        "num_tokens_bounds": num_tokens_bounds,
    }

    def answer(law: Any, asked: Any, served: Any, training: Any, serving: Any) -> PricedPlan:
        price = training.dollars_per_flop
        goal = {"target_loss": asked["target_loss"]} if "target_loss" in asked else {}
        goal = goal or {"flops": asked["dollars"] / price}
        served = served * (serving.dollars_per_flop / price)
        plan = serve(law, num_inference_tokens=served, **goal, **settings)
        paid = plan.flops * price
        return PricedPlan(
            dollars=paid,
            training_dollars=paid * plan.shares.student,
            serving_dollars=paid * plan.shares.serving,
            plan=plan,
        )

    served = as_float("num_inference_tokens", num_inference_tokens)
    return compose(answer, law, asked, served, training, serving)
