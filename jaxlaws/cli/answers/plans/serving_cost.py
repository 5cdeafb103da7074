"""`jaxlaws plan serve` in money: what training and serving cost on given hardware."""

from jaxlaws.cli.answers.presentation import Presentation

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
