"""`jaxlaws plan train --shapes`: models with whole layers, widths and heads."""

from jaxlaws.cli.answers.presentation import Presentation

MODEL_SHAPES = Presentation(
    "training a model of the best shape",
    {
        "num_layers": "layers",
        "width": "width",
        "num_heads": "heads",
        "mlp_width": "MLP width",
        "num_params": "parameters",
        "num_tokens": "tokens",
        "loss": "loss",
        "excess_loss": "loss above any size's",
    },
    has_draws=False,
)
