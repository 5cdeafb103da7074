"""`jaxlaws plan serve`: the cheapest model over its life."""

from typing import Any

import click

from jaxlaws.cli.compilation import keep_compiled
from jaxlaws.cli.options import (
    SWEEP,
    Source,
    Sweep,
    flops_model_option,
    forward_flops,
    json_option,
    law_option,
)
from jaxlaws.cli.plan import crossed, output_option


class _Demand(Sweep):
    """A number of tokens, 0 among them, or a sweep."""

    def __init__(self) -> None:
        super().__init__(zero=True)


@click.command("serve")
@law_option
@click.option(
    "--inference-tokens",
    type=_Demand(),
    required=True,
    help="Tokens that the model will serve, or low:high:count for a sweep.",
)
@click.option("--target-loss", type=SWEEP, help="The loss to reach at the least compute.")
@click.option("--flops", type=SWEEP, help="Or the budget, training and serving, for least loss.")
@flops_model_option
@output_option
@json_option
def command(
    law_name: str,
    inference_tokens: Any,
    target_loss: Any,
    flops: Any,
    flops_model: str,
    output: str | None,
    as_json: bool,
) -> None:
    """Train once and serve a demand: the size and tokens of least compute, training and serving.

    With --target-loss the least lifetime compute that reaches it, with --flops the least loss for
    a lifetime budget.
    """
    if (target_loss is None) == (flops is None):
        raise click.UsageError("give either --target-loss or --flops")
    keep_compiled()
    from jaxlaws.cli.plan_answer import answer
    from jaxlaws.planning import serve

    source = Source(law_name).for_supervised_runs()
    goal = {"flops": flops} if target_loss is None else {"target_loss": target_loss}
    answer(
        "training and serving",
        serve,
        crossed(**goal, num_inference_tokens=inference_tokens),
        {"forward_flops": forward_flops(flops_model, source)},
        source,
        as_json=as_json,
        output=output,
    )
