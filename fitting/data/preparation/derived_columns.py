"""Columns that follow from others: tokens from compute, tokens from steps, log of perplexity."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from fitting.data.cell_values import numbers_in
from fitting.data.preparation.header_units import header_unit
from fitting.data.preparation.usual_names import (
    BATCH_SIZE,
    BATCH_TOKENS,
    PERPLEXITY,
    SAMPLES,
    SEQUENCE,
    STEPS,
    TOKENS_PER_PARAM,
    named,
)

_PARTNERS = {"num_tokens": "num_params", "num_params": "num_tokens"}


def derived(
    name: str,
    columns: Mapping[str, Sequence[object]],
    known: Mapping[str, np.ndarray],
    taken: Collection[str],
) -> tuple[np.ndarray, str] | None:
    """The values of an input or the outcome from other columns, and how; None if there is no way.

    Args:
        name: of the input, or `loss`.
        columns: the cells by title.
        known: the values of the inputs that the table has, by name.
        taken: titles of columns that hold something else.
    """
    free = [title for title in columns if title not in taken]

    def only(groups: Sequence[str]) -> str | None:
        found = named(groups, free)
        return found[0] if len(found) == 1 else None

    def values(title: str) -> np.ndarray:
        return header_unit(title)[1] * numbers_in(columns[title])

    if name in ("num_tokens", "num_student_tokens"):
        steps, batch = only(STEPS), only(BATCH_TOKENS)
        size, length = only(BATCH_SIZE), only(SEQUENCE)
        if steps and batch:
            return values(steps) * values(batch), f"{steps} x {batch}"
        if steps and size and length:
            factors = values(steps) * values(size) * values(length)
            return factors, f"{steps} x {size} x {length}"
        if (samples := only(SAMPLES)) and length:
            return values(samples) * values(length), f"{samples} x {length}"
        ratio, partner = only(TOKENS_PER_PARAM), _PARTNERS.get(name, "")
        if ratio and partner in known:
            return values(ratio) * known[partner], f"{ratio} x {partner}"
    if name in _PARTNERS and {"flops", _PARTNERS[name]} <= set(known):
        partner = _PARTNERS[name]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return known["flops"] / (6 * known[partner]), f"flops / (6 {partner})"
    if name == "loss" and (title := only(PERPLEXITY)):
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(values(title)), f"log of {title}"
    return None
