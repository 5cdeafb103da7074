"""`jaxlaws plan frontier`: loss against the cost of serving a token."""

from typing import Any

import click

from jaxlaws.cli.compilation_cache import keep_compiled
from jaxlaws.cli.options.law_source import Source, forward_flops
from jaxlaws.cli.options.parameter_types import (
    QUANTITY,
    SWEEP,
    flops_model_option,
    json_option,
    law_option,
)
from jaxlaws.cli.options.plan_options import SCENARIOS, output_option, scenario_option

_MADE = {"SUPERVISED": "trained alone", "DISTILLATION": "distilled", "NONE": "neither"}


@click.command("frontier")
@law_option
@click.option("--flops", type=QUANTITY, required=True, help="The budget of training.")
@click.option(
    "--params",
    type=SWEEP,
    required=True,
    help="The sizes, low:high:count, such as 1e8:1e11:31.",
)
@scenario_option
@flops_model_option
@output_option
@json_option
def command(
    law_name: str,
    flops: float,
    params: Any,
    scenario: str,
    flops_model: str,
    output: str | None,
    as_json: bool,
) -> None:
    """Which sizes are worth having? The loss that a budget reaches at each cost of serving.

    Of each size the better of training alone and distilling is taken; worth having are those
    that no smaller one matches.
    """
    import numpy as np

    if np.ndim(params) == 0:
        raise click.UsageError("--params must be a sweep of sizes, such as 1e8:1e11:31")
    keep_compiled()
    from jaxlaws import planning
    from jaxlaws.cli.answers.wording import distance
    from jaxlaws.cli.output.printing import give_out
    from jaxlaws.cli.output.progress import patience
    from jaxlaws.cli.output.table_columns import columns, known
    from jaxlaws.foundations.quantities import format_quantity

    source = Source(law_name)
    with patience("compiling the planner, which happens once …"):
        answer = planning.serving_frontier(
            source.law,
            flops=flops,
            num_params=params,
            scenario=getattr(planning, SCENARIOS[scenario]),
            forward_flops=forward_flops(flops_model, source),
        )
    if not answer.efficient.any():
        raise ValueError(f"a budget of {flops:g} FLOPs pays for none of these sizes: raise --flops")
    alone, taught = source.decades(answer.supervised), source.decades(answer.distilled)
    decades = np.where(answer.method == planning.Method.DISTILLATION, taught, alone)
    plain = planning.plan_to_dict(answer)
    plain["method"] = [planning.Method(int(method)).name for method in answer.method]
    document = {
        "asked": {"flops": flops, "scenario": scenario},
        **plain,
        "extrapolation_decades": known(decades),
    }
    asked = f"{format_quantity(flops)} FLOPs, scenario {scenario}, law {law_name}"

    def picture() -> Any:
        from jaxlaws.figures.frontier import loss_against_serving

        return loss_against_serving(answer, title=f"loss against the cost of serving\n{asked}")

    table = columns(document, len(params))
    if give_out(document, table, as_json=as_json, output=output, picture=picture):
        _print(f"loss against the cost of serving, {asked}", answer, plain["method"])
        click.echo(f"Of those worth having: {distance(decades[answer.efficient])}")


def _print(title: str, answer: Any, methods: list[str]) -> None:
    from jaxlaws.cli.answers.wording import cell
    from jaxlaws.cli.output.printing import print_table
    from jaxlaws.cli.output.table_columns import rows_left_out, shown_rows

    size = len(methods)
    rows = [
        [
            cell("size", answer.num_params[row]),
            cell("flops", answer.inference_flops[row]),
            cell("loss", answer.supervised.loss[row]),
            cell("loss", answer.distilled.loss[row]),
            _MADE[methods[row]],
            "yes" if answer.efficient[row] else "no",
        ]
        for row in shown_rows(size)
    ]
    heads = [
        "parameters",
        "FLOPs a token",
        "loss alone",
        "loss distilled",
        "better",
        "worth having",
    ]
    print_table(title, heads, rows, note=rows_left_out(len(rows), size, "sizes"))
