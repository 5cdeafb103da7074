"""`jaxlaws plan serve`: the cheapest model over its life."""

from typing import Any

import click

from jaxlaws.cli.compilation_cache import keep_compiled
from jaxlaws.cli.options.law_source import Source, forward_flops
from jaxlaws.cli.options.parameter_types import (
    SWEEP,
    Sweep,
    flops_model_option,
    json_option,
    law_option,
)
from jaxlaws.cli.options.plan_options import crossed, output_option


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
@click.option("--dollars", type=SWEEP, help="Or the budget in money, for least loss.")
@click.option(
    "--train-on",
    metavar="$/HOUR:FLOPS/S:UTILISATION",
    help="Plan in money: what an accelerator costs an hour, its peak, and what of it is used.",
)
@click.option(
    "--serve-on", metavar="$/HOUR:FLOPS/S:UTILISATION", help="Likewise, for the one that serves."
)
@flops_model_option
@output_option
@json_option
def command(
    law_name: str,
    inference_tokens: Any,
    target_loss: Any,
    flops: Any,
    dollars: Any,
    train_on: str | None,
    serve_on: str | None,
    flops_model: str,
    output: str | None,
    as_json: bool,
) -> None:
    """Train once and serve a demand: the size and tokens of least compute, training and serving.

    With --target-loss the least lifetime compute that reaches it, with --flops the least loss for
    a lifetime budget. With --train-on and --serve-on compute is priced: --target-loss is then
    reached for the least money, or --dollars are spent for the least loss.
    """
    in_money = train_on is not None and serve_on is not None
    if not in_money and (train_on is not None or serve_on is not None or dollars is not None):
        raise click.UsageError("a plan in money takes both --train-on and --serve-on")
    if in_money and (flops is not None or (target_loss is None) == (dollars is None)):
        raise click.UsageError("in money, give either --target-loss or --dollars")
    if not in_money and (target_loss is None) == (flops is None):
        raise click.UsageError("give either --target-loss or --flops")
    keep_compiled()
    from jaxlaws.cli.answers.plan_or_sweep import answer
    from jaxlaws.cli.answers.serving_cost import answer_in_money, hardware
    from jaxlaws.planning import serve

    source = Source(law_name).for_supervised_runs()
    goals = {"target_loss": target_loss, "flops": flops, "dollars": dollars}
    goal = {name: value for name, value in goals.items() if value is not None}
    if train_on is not None and serve_on is not None:
        answer_in_money(
            crossed(**goal, num_inference_tokens=inference_tokens),
            {
                "training": hardware("--train-on", train_on),
                "serving": hardware("--serve-on", serve_on),
                "forward_flops": forward_flops(flops_model, source),
            },
            source,
            as_json=as_json,
            output=output,
        )
        return
    answer(
        "training and serving",
        serve,
        crossed(**goal, num_inference_tokens=inference_tokens),
        {"forward_flops": forward_flops(flops_model, source)},
        source,
        as_json=as_json,
        output=output,
    )
