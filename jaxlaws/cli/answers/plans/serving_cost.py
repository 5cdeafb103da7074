"""`jaxlaws plan serve` in money: what training and serving cost on given hardware."""

from jaxlaws.cli.answers.presentation import Presentation
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning import Costs, Hardware, SupervisedPlan, serve
from jaxlaws.planning.plan_dict import Answer
from jaxlaws.pytree import pytree


@pytree
class PricedPlan(Answer):
    """A plan of `serve` in dollars.

    Attributes:
        dollars: cost of training and serving.
        training_dollars: cost of training.
        serving_dollars: cost of serving.
        plan: the plan.
    """

    dollars: Array
    training_dollars: Array
    serving_dollars: Array
    plan: SupervisedPlan


def serve_in_dollars(
    law: Tree,
    *,
    training: Hardware,
    serving: Hardware,
    dollars: Array | None = None,
    **inputs: Tree,
) -> PricedPlan:
    """`serve` with the prices of hardware and a budget in dollars, and its cost by part."""
    cost = Costs.in_dollars(training=training, serving=serving)
    plan = serve(law, flops=dollars, cost=cost, **inputs)
    return PricedPlan(
        dollars=plan.flops,
        training_dollars=plan.flops * plan.shares.student,
        serving_dollars=plan.flops * plan.shares.serving,
        plan=plan,
    )


SERVING_COST = Presentation(
    "training and serving in money",
    {
        "plan.num_params": "parameters",
        "plan.num_tokens": "tokens",
        "plan.loss": "loss",
        "dollars": "dollars",
        "training_dollars": "of that, training",
        "serving_dollars": "of that, serving",
        "plan.status": "status",
    },
)
