"""Columns that follow from others: tokens from compute, tokens from steps, log of perplexity."""

import re
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from fitting.data.cell_values import numbers_in
from fitting.data.hints import column_option
from fitting.data.preparation.header_units import header_unit, power
from fitting.data.preparation.usual_names import (
    ACCUMULATION,
    BATCH_SIZE,
    BATCH_TOKENS,
    DEVICES,
    EPOCHS,
    MICRO_BATCH,
    MODEL_PARALLEL,
    NAMES,
    PERPLEXITY,
    SAMPLES,
    SEQUENCE,
    STEPS,
    TOKENS_OF_AN_EPOCH,
    TOKENS_PER_PARAM,
    named,
    normal_name,
)
from jaxlaws.foundations.errors import DataError

LOGGED = ("num_params", "num_tokens", "flops")
_BASE = r"(?P<log>log_?10|log|lg|ln)"
_LOGS = (
    re.compile(rf"{_BASE}(?:\s*[(\[]\s*|[\s_]+|(?=[A-Z]))(?P<inner>.+?)\s*[)\]]?", re.IGNORECASE),
    re.compile(rf"(?P<inner>.+?)[\s_,]*[(\[_]\s*{_BASE}\s*[)\]]?", re.IGNORECASE),
)
_BASES = {"log10": "log10", "lg": "log10", "ln": "ln"}
_FEWEST, _MOST = 1e4, 1e30  # parameters, tokens or FLOPs
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

    Raises:
        DataError: columns that hold the input are not clear.
    """
    free = [title for title in columns if title not in taken and title != "_step"]  # of a log

    def only(groups: Sequence[str]) -> str | None:
        found = named(groups, free)
        return found[0] if len(found) == 1 else None

    def values(title: str) -> np.ndarray:
        return header_unit(title)[1] * numbers_in(columns[title])

    def product(*titles: str) -> tuple[np.ndarray, str]:
        return np.prod([values(title) for title in titles], axis=0), " x ".join(titles)

    if name in LOGGED and (found := _of_logarithm(name, columns, free)):
        return found
    if name in ("num_tokens", "num_student_tokens"):
        steps, batch = only(STEPS), only(BATCH_TOKENS)
        size, length = only(BATCH_SIZE), only(SEQUENCE)
        if steps and batch:
            return product(steps, batch)
        parts = [only(MICRO_BATCH), only(ACCUMULATION), only(DEVICES)]
        if steps and size and length:
            more = [t for t in parts[1:] if t and np.any(values(t) != 1)]
            if more and not parts[0] and not re.match("global|total|effective", normal_name(size)):
                raise DataError(
                    f"whether {size!r} is the batch of all GPUs is not clear, because the table "
                    f"has {', '.join(more)}. Rename it: global_batch_size for the sequences of a "
                    "step, micro_batch_size for those of one GPU before accumulation"
                )
            return product(steps, size, length)
        if steps and length and all(parts) and not _is_split(columns, free):
            return product(steps, *filter(None, parts), length)
        if (samples := only(SAMPLES)) and length:
            return product(samples, length)
        epochs, epoch = only(EPOCHS), only(TOKENS_OF_AN_EPOCH)
        if epochs and epoch and not (length and normal_name(epoch) == "dataset_size"):
            return product(epochs, epoch)
        if epochs and "num_unique_tokens" in known:
            return values(epochs) * known["num_unique_tokens"], f"{epochs} x num_unique_tokens"
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


def _is_split(columns: Mapping[str, Sequence[object]], free: Sequence[str]) -> bool:
    """Whether several devices hold one model, so that their number is not that of batches."""
    return not named(DEVICES[:1], free) and any(
        np.any(numbers_in(columns[title]) != 1) for title in named(MODEL_PARALLEL, free)
    )


def _of_logarithm(
    name: str, columns: Mapping[str, Sequence[object]], free: Sequence[str]
) -> tuple[np.ndarray, str] | None:
    """The values of an input from a column of their logarithms, whose header gives the base.

    Raises:
        DataError: the header does not give the base, or the values are not such logarithms.
    """
    title, base = _logarithm(name, free)
    if title is None:
        return None
    logs = numbers_in(columns[title])
    if not np.isfinite(logs).any():
        return None
    powers = power(logs, base) if base else logs
    if base and _FEWEST < np.nanmedian(powers) < _MOST:
        return powers, f"{'e' if base == 'ln' else '10'} ** {title}"
    others = [(each, theirs) for each in LOGGED if (theirs := _logarithm(each, free)[0])]
    options = [f"{column_option(each, theirs)} --unit {each}=log10" for each, theirs in others]
    raise DataError(
        f"the column {title!r} seems to be a logarithm of {name}, but of which base is not clear. "
        f"For base 10: {' '.join(options)} (for base e: ln in place of log10)"
    )


def _logarithm(name: str, titles: Sequence[str]) -> tuple[str | None, str | None]:
    """The only title that means the logarithm of an input, and its base; None where not known."""
    heads = {t: match for t in titles for each in _LOGS if (match := each.fullmatch(t.strip()))}
    inner = {match["inner"]: title for title, match in heads.items()}
    found = [inner[each] for each in named(NAMES[name], inner)]
    if len(found) != 1:
        return None, None
    return found[0], _BASES.get(heads[found[0]]["log"].lower().replace("_", ""))
