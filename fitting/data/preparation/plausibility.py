"""Whether the numbers of a table can be what the law means: units, compute, outcomes.

A finding refuses the table if its numbers are likely wrong, and warns if they are unusual. Each has
a name, and `allow` (on the command line `--allow NAME`) turns a refusal into a warning.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from fitting.data.preparation.finding import Finding
from fitting.data.preparation.plausible_inputs import (
    implausible_compute,
    implausible_counts,
    implausible_ratios,
)
from fitting.data.preparation.plausible_outcomes import (
    implausible_losses,
    implausible_name,
    lone_losses,
    rising_outcome,
)


def findings(
    inputs: Mapping[str, np.ndarray],
    loss: np.ndarray,
    titles: Mapping[str, str],
    rows: np.ndarray,
    others: Mapping[str, np.ndarray],
    *,
    outcome_is_loss: bool = True,
) -> list[Finding]:
    """What is implausible in the columns of a table.

    Args:
        inputs: values by name, `(num_runs,)` each, NaN where a run has no value.
        loss: the outcome, `(num_runs,)`.
        titles: the title of each column by the name of its input.
        rows: the number of each row, as a person counts.
        others: the other columns by title, for proposals.
        outcome_is_loss: whether the outcome is a loss in nats per token, which falls with size and
            tokens.
    """
    found = [*implausible_counts(inputs, rows), *implausible_ratios(inputs)]
    found += implausible_compute(inputs, others)
    if outcome_is_loss:
        found += [*implausible_name(titles.get("loss", "loss")), *implausible_losses(loss, rows)]
        found += [*rising_outcome(inputs, loss), *lone_losses(inputs, loss, rows)]
    return found


def names_of_checks() -> Sequence[str]:
    """The names that `allow` takes."""
    return ("counts", "tokens-per-parameter", "flops", "outcome")
