"""`jaxlaws plan train --size-fraction`: a smaller model of the same loss, and what it costs."""

from jaxlaws.cli.answers.presentation import Presentation

SMALLER_MODEL = Presentation(
    "a model of another size with the loss of the compute-optimal one",
    {
        "smaller.num_params": "parameters",
        "smaller.num_tokens": "tokens",
        "smaller.tokens_per_param": "tokens per parameter",
        "smaller.loss": "loss",
        "smaller.flops": "FLOPs",
        "overhead": "more compute than the optimal model",
        "tokens_to_repay": "served tokens that repay it",
        "optimal.num_params": "compute-optimal parameters",
        "optimal.num_tokens": "compute-optimal tokens",
        "smaller.status": "status",
    },
    has_draws=False,
)
