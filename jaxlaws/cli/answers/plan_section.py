"""`jaxlaws report`: compute-optimal plans as a section of the report on a fit."""

import functools

import numpy as np

from fitting.reporting.markdown import markdown_table
from jaxlaws.cli.answers.draws import first_draws, interval
from jaxlaws.cli.answers.pipeline import find
from jaxlaws.cli.answers.plans.size_and_tokens import SizeAndTokens
from jaxlaws.cli.answers.wording import cell
from jaxlaws.cli.options.law_source import Source
from jaxlaws.planning import compute_optimal

_NUM_DRAWS = 200


def plan_section(source: Source) -> list[str]:
    """Paragraphs on the plans at the largest fitted budget, and at smaller and larger budgets.

    There are none for a law of other inputs than size and tokens.
    """
    names = ("num_params", "num_tokens")
    if set(source.law.input_names) != set(names) or not set(names) <= set(source.fitted_range):
        return []
    largest = 6 * source.fitted_range["num_params"][1] * source.fitted_range["num_tokens"][1]
    inputs = {"flops": largest * np.array([0.01, 0.1, 1.0, 10.0, 100.0])}
    source = first_draws(source, _NUM_DRAWS)
    found = find(SizeAndTokens("plans"), functools.partial(compute_optimal), inputs, source)
    rows = [[cell("flops", budget)] for budget in inputs["flops"]]
    for index, row in enumerate(rows):
        for name in (*names, "loss"):
            text = cell(name, vars(found.result)[name][index])
            if found.draws is not None:
                ends = interval(vars(found.draws)[name][:, index]) or (np.nan, np.nan)
                text += f" [{cell(name, ends[0])}, {cell(name, ends[1])}]"
            row.append(text)
        row.append(f"{found.decades[index]:.1f}")
    return [
        "## Compute-optimal plans",
        markdown_table(["FLOPs", "parameters", "tokens", "loss", "decades outside"], rows),
        "The budget in the middle, C = 6 N D, trains the largest fitted size N on the largest "
        "number D of fitted tokens. Decades outside: how far the size or the tokens lie beyond "
        "the fitted runs."
        + ("" if found.draws is None else " Brackets: central 90% of the fit's draws."),
    ]
