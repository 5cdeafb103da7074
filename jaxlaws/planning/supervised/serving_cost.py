"""Plans in money: the price of training and serving on given hardware (Sardana et al. 2024)."""

from collections.abc import Mapping

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, checked
from jaxlaws.planning.engine.composed_inputs import checked_inputs
from jaxlaws.planning.engine.evaluation import compose
from jaxlaws.planning.engine.limits import Limit
from jaxlaws.planning.engine.plans import SupervisedPlan
from jaxlaws.planning.plan_dict import Answer
from jaxlaws.planning.supervised.serving import serve
from jaxlaws.precision import is_traced
from jaxlaws.pytree import pytree

_SECONDS_PER_HOUR = 3600.0


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

        >>> used = Hardware(dollars_per_hour=2, flops_per_second=1e15, utilisation=0.4)
        >>> f"{used.dollars_per_flop:.2e}"
        '1.39e-18'
        """
        return self.dollars_per_hour / (
            _SECONDS_PER_HOUR * self.flops_per_second * self.utilisation
        )


@pytree
class PricedPlan(Answer):
    """A model that is trained once and then served, with its costs in money.

    Attributes:
        dollars: cost of training and serving.
        training_dollars: cost of training.
        serving_dollars: cost of serving.
        plan: size, tokens and loss. Its `flops` and `shares` count a served token as the number of
            tokens that cost the same on the training hardware.
    """

    dollars: Array
    training_dollars: Array
    serving_dollars: Array
    plan: SupervisedPlan


def _check(name: str, hardware: object) -> None:
    if not isinstance(hardware, Hardware):
        raise TypeError(f"{name} must be a Hardware, got {hardware!r}")
    if is_traced(hardware):
        return
    for field, value in vars(hardware).items():
        if (checked(f"{name}.{field}", value) > 1).any() and field == "utilisation":
            raise ValueError(f"{name}.utilisation must be at most 1, got {value}")


def serve_for_money(
    law: Tree,
    *,
    num_inference_tokens: Array,
    training: Hardware,
    serving: Hardware,
    target_loss: Array | None = None,
    dollars: Array | None = None,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
) -> PricedPlan:
    """The size and the tokens of a model that is trained once and then serves, by cost in money.

    Training and serving cost `F(N) (3 D p + D_serve q)` dollars, with p and q the prices of a
    useful FLOP in training and in serving. With `target_loss` the plan is the cheapest that reaches
    the loss; with `dollars` it has the least loss of all within this budget. The plan is that of
    `serve` with `D_serve q / p` tokens: serving at a low utilisation counts as serving more tokens.

    Args:
        law: a law of `num_params` and `num_tokens` whose loss falls in both, or a distillation
            law, whose `supervised` is used.
        num_inference_tokens: tokens that the model will serve, any shape; 0 for none.
        training: the hardware that the model is trained on.
        serving: the hardware that the model is served on.
        target_loss: loss to reach, in the law's unit, broadcast with the served tokens.
        dollars: budget for training and serving, broadcast with the served tokens. Give either
            `target_loss` or `dollars`.
        forward_flops: forward FLOPs per token of a model of given size.
        num_params_bounds: lower and upper bound of the size.
        num_tokens_bounds: lower and upper bound of the tokens.
        limits: upper limits on other quantities of `num_params` and `num_tokens`, by names of
            your choice.

    Returns:
        The costs and the plan, of the broadcast shape: NumPy float64 for concrete inputs, the
        caller's dtype inside a trace.

    Raises:
        ValueError: both `target_loss` and `dollars` are given, or neither; an input, a bound, a
            price or a speed is not positive and finite; a utilisation is above 1; or bounds
            exclude each other.
        TypeError: `training` or `serving` is not a `Hardware`, or the law is not a law of
            `num_params` and `num_tokens` and has no such law as `supervised`.

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
            "serve_for_money takes either target_loss, to be reached at the lowest cost, or "
            "dollars, to be spent for the least loss: got "
            f"{'neither' if dollars is None else 'both'}"
        )
    bounds = {"num_params": num_params_bounds, "num_tokens": num_tokens_bounds}
    goal = {"dollars": dollars} if target_loss is None else {"target_loss": target_loss}
    given = checked_inputs(
        {"num_inference_tokens": num_inference_tokens, **goal},
        may_be_zero=("num_inference_tokens",),
        bounds=bounds,
        limits=limits,
    )
    options = {
        "forward_flops": forward_flops,
        "num_params_bounds": num_params_bounds,
        "num_tokens_bounds": num_tokens_bounds,
        "limits": limits,
    }

    def answer(
        law: Tree, given: Tree, training: Hardware, serving: Hardware, options: Tree
    ) -> PricedPlan:
        price = training.dollars_per_flop
        served = given["num_inference_tokens"] * (serving.dollars_per_flop / price)
        if "dollars" in given:
            goal = {"flops": given["dollars"] / price}
        else:
            goal = {"target_loss": given["target_loss"]}
        plan = serve(law, num_inference_tokens=served, **goal, **options)
        paid = plan.flops * price
        return PricedPlan(
            dollars=paid,
            training_dollars=paid * plan.shares.student,
            serving_dollars=paid * plan.shares.serving,
            plan=plan,
        )

    return compose(answer, law, given, training, serving, options)
