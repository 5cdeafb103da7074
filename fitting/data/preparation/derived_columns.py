"""Columns that follow from others: tokens from compute, tokens from steps, log of perplexity."""

import dataclasses
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
    others = _Others(columns, free)
    if name in LOGGED and (found := _of_logarithm(name, columns, free)):
        return found
    if name in ("num_tokens", "num_student_tokens") and (
        found := _tokens_of_batches(others) or _tokens_of_data(name, others, known)
    ):
        return found
    if name in _PARTNERS and {"flops", _PARTNERS[name]} <= set(known):
        partner = _PARTNERS[name]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return known["flops"] / (6 * known[partner]), f"flops / (6 {partner})"
    if name == "loss" and (title := others.only(PERPLEXITY)):
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(others.values(title)), f"log of {title}"
    return None


@dataclasses.dataclass(frozen=True)
class _Others:
    """The columns of a table that hold none of the inputs nor the outcome.

    Attributes:
        columns: the cells of the whole table by title.
        free: the titles of these columns.
    """

    columns: Mapping[str, Sequence[object]]
    free: Sequence[str]

    def only(self, groups: Sequence[str]) -> str | None:
        """The only column with one of some usual names; None where there are several or none."""
        found = named(groups, self.free)
        return found[0] if len(found) == 1 else None

    def values(self, title: str) -> np.ndarray:
        return header_unit(title)[1] * numbers_in(self.columns[title])

    def product(self, *titles: str) -> tuple[np.ndarray, str]:
        return np.prod([self.values(title) for title in titles], axis=0), " x ".join(titles)

    def one_model_on_devices(self) -> bool:
        """Whether several devices hold one model, so that their number is not that of batches."""
        return not named(DEVICES[:1], self.free) and any(
            np.any(numbers_in(self.columns[title]) != 1)
            for title in named(MODEL_PARALLEL, self.free)
        )


def _tokens_of_batches(others: _Others) -> tuple[np.ndarray, str] | None:
    """The tokens that the steps read, or the samples.

    Raises:
        DataError: it is not clear whose sequences the batch counts.
    """
    steps, batch = others.only(STEPS), others.only(BATCH_TOKENS)
    size, length = others.only(BATCH_SIZE), others.only(SEQUENCE)
    micro, *factors = map(others.only, (MICRO_BATCH, ACCUMULATION, DEVICES))
    if steps and batch:
        return others.product(steps, batch)
    if steps and size and length:
        more = [title for title in factors if title and np.any(others.values(title) != 1)]
        if more and not micro and not re.match("global|total|effective", normal_name(size)):
            raise DataError(
                f"whether {size!r} is the batch of all GPUs is not clear, because the table "
                f"has {', '.join(more)}. Rename it: global_batch_size for the sequences of a "
                "step, micro_batch_size for those of one GPU before accumulation"
            )
        return others.product(steps, size, length)
    parts = [each for each in (micro, *factors) if each]
    if steps and length and len(parts) == 3 and not others.one_model_on_devices():
        return others.product(steps, *parts, length)
    if length and (samples := others.only(SAMPLES)):
        return others.product(samples, length)
    return None


def _tokens_of_data(
    name: str, others: _Others, known: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, str] | None:
    """The tokens from the epochs, or from the tokens of each parameter."""
    epochs, epoch = others.only(EPOCHS), others.only(TOKENS_OF_AN_EPOCH)
    counts_samples = epoch and normal_name(epoch) == "dataset_size" and others.only(SEQUENCE)
    if epochs and epoch and not counts_samples:
        return others.product(epochs, epoch)
    if epochs and "num_unique_tokens" in known:
        tokens = others.values(epochs) * known["num_unique_tokens"]
        return tokens, f"{epochs} x num_unique_tokens"
    ratio, partner = others.only(TOKENS_PER_PARAM), _PARTNERS.get(name, "")
    if ratio and partner in known:
        return others.values(ratio) * known[partner], f"{ratio} x {partner}"
    return None


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
