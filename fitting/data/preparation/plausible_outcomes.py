"""Whether the outcomes of a table can be losses in nats per token."""

from collections.abc import Mapping

import numpy as np

from fitting.data.preparation.finding import FEWEST_RUNS, PAIRS, Finding
from fitting.data.preparation.usual_names import normal_name
from jaxlaws.foundations.quantities import format_quantity

_LOG_OF_LARGEST_VOCABULARY = float(np.log(2**20))
_HIGH_LOSS = 8.0  # nats per token: a model that has learnt anything has a lower loss
_RISES = 0.5  # rank correlation
# A loss is far above the others if its log is by this much, and by this many median differences.
_LONE, _LONE_SPREADS, _FEWEST_FOR_LONE = 0.35, 6.0, 8
_LOGS = {  # bases of the logarithm of a perplexity
    "ln": ", which is a loss in nats per token",
    "log": ": it is taken as a natural logarithm, which is a loss in nats per token. If its base "
    "is 2, use --outcome bits",
    "log2": ", which is a loss in bits; --outcome bits converts it to nats",
    "log10": ". Multiply the column by 2.302585, the natural logarithm of 10, to have nats per "
    "token",
}
_METRICS = {
    "perplexity": ("ppl", "perplexity"),
    "accuracy": ("acc", "accuracy"),
    "bits": ("bpb", "bpc", "bits"),
}


def implausible_name(title: str) -> list[Finding]:
    """A title that names another measure than a loss in nats."""
    words = set(normal_name(title).split("_"))
    if words & set(_METRICS["perplexity"]) and (logs := words & set(_LOGS)):
        how = _LOGS[min(logs)]
        message = f"the outcome is the column {title!r}, a logarithm of a perplexity{how}"
        return [Finding("outcome", message, refuses="log10" in logs)]
    for kind, names in _METRICS.items():
        if not words & set(names):
            continue
        if kind == "bits":
            return [
                Finding(
                    "outcome",
                    f"the outcome is the column {title!r}: the law and its plans are in bits, not "
                    "in nats per token; --outcome bits converts them to nats",
                    refuses=False,
                )
            ]
        remedy = (
            "Its logarithm is a loss: --outcome perplexity"
            if kind == "perplexity"
            else "Use a column of losses; --allow outcome fits it as it is"
        )
        return [
            Finding(
                "outcome",
                f"the outcome is the column {title!r}, which is {kind}, not a loss in nats per "
                f"token. {remedy}",
                refuses=True,
            )
        ]
    return []


def implausible_losses(loss: np.ndarray, rows: np.ndarray) -> list[Finding]:
    """Losses that cannot be nats per token."""
    here = np.isfinite(loss)
    values = loss[here]
    if not values.size:
        return []
    high = values > _LOG_OF_LARGEST_VOCABULARY
    if np.median(values) > _LOG_OF_LARGEST_VOCABULARY:
        return [
            Finding(
                "outcome",
                f"the losses are {values.min():.4g} to {values.max():.4g}: above "
                f"{_LOG_OF_LARGEST_VOCABULARY:.1f}, the logarithm of a vocabulary of a million "
                "tokens, they cannot be nats per token. If they are perplexities, say so with "
                "--outcome perplexity; --allow outcome fits them as they are",
                refuses=True,
            )
        ]
    if high.any():
        listed = ", ".join(str(row) for row in rows[here][high][:5])
        return [
            Finding(
                "outcome",
                f"{high.sum()} losses are above {_LOG_OF_LARGEST_VOCABULARY:.1f}, the logarithm of "
                f"a vocabulary of a million tokens (row {listed}): these runs have diverged, or "
                "are not in nats per token. Leave them out with --where 'loss < 12'",
                refuses=False,
            )
        ]
    if values.min() > _HIGH_LOSS:
        return [
            Finding(
                "outcome",
                f"all losses are above {values.min():.3g} nats per token, which is unusual. If "
                "they are perplexities, say so with --outcome perplexity",
                refuses=False,
            )
        ]
    return []


def rising_outcome(inputs: Mapping[str, np.ndarray], loss: np.ndarray) -> list[Finding]:
    """An outcome that rises with size and with tokens, such as an accuracy."""
    for size, tokens in PAIRS:
        if not {size, tokens} <= set(inputs):
            continue
        n, d = inputs[size], inputs[tokens]
        here = np.isfinite(n) & np.isfinite(d) & np.isfinite(loss)
        if here.sum() < FEWEST_RUNS:
            continue
        a, b, c = (_ranks(values[here]) for values in (n, d, loss))
        if not (a.any() and b.any() and c.any()):
            continue
        slopes, *_ = np.linalg.lstsq(np.column_stack([a, b]), c, rcond=None)
        fitted = np.column_stack([a, b]) @ slopes
        explained = 1 - np.sum((c - fitted) ** 2) / np.sum(c**2)
        rises = min(slopes) > 0 or (min(slopes) > -0.1 and max(slopes) > _RISES)
        if rises and explained > _RISES:
            return [
                Finding(
                    "outcome",
                    f"the outcome rises with {size} and {tokens}, from "
                    f"{format_quantity(loss[here].min())} to {format_quantity(loss[here].max())}: "
                    "a loss falls. If it is an accuracy or another score, use a column of losses; "
                    "--allow outcome fits it as it is",
                    refuses=True,
                )
            ]
    return []


def lone_losses(
    inputs: Mapping[str, np.ndarray], loss: np.ndarray, rows: np.ndarray
) -> list[Finding]:
    """Losses far above what a plane through the logs of all other runs predicts.

    A fit follows such a run where no others are near, so that its error does not show.
    """
    for size, tokens in PAIRS:
        if not {size, tokens} <= set(inputs):
            continue
        here = np.isfinite(inputs[size]) & np.isfinite(inputs[tokens]) & (loss > 0)
        here &= loss <= _LOG_OF_LARGEST_VOCABULARY  # others are reported already
        logs = [np.log(values[here]) for values in (inputs[size], inputs[tokens])]
        if here.sum() < _FEWEST_FOR_LONE:
            continue
        a, b = (each - each.mean() for each in logs)
        columns = np.column_stack([np.ones_like(a), a, b])
        lone = _lone_rows(columns, np.log(loss[here]))
        if len(lone):
            values, numbers = loss[here], rows[here]
            listed = ", ".join(f"row {numbers[i]}: {values[i]:.4g}" for i in lone[:5])
            rest = np.delete(values, lone).max()
            option = ""
            if rest < (least := values[lone].min()):
                between = np.sqrt(rest * least)
                option = f": --where 'loss < {between:.{2 if least / rest > 1.1 else 9}g}'"
            return [
                Finding(
                    "outcome",
                    f"losses far above those of similar runs ({listed}). If these runs have "
                    f"diverged, leave them out, because a fit follows them{option}",
                    refuses=False,
                )
            ]
    return []


def _lone_rows(columns: np.ndarray, logs: np.ndarray) -> np.ndarray:
    """The rows far above the plane through the others, the farthest first, found one by one."""
    kept, lone = np.arange(len(logs)), []
    for _ in range(max(2, len(logs) // 10)):
        off = _off_the_others(columns[kept], logs[kept])
        far = int(np.argmax(off))
        without = np.delete(kept, far)
        spread = np.median(np.abs(_off_the_others(columns[without], logs[without])))
        if off[far] <= max(_LONE, _LONE_SPREADS * spread):
            return np.array(lone, int)
        lone.append(kept[far])
        kept = without
    return np.array(lone, int)


def _off_the_others(columns: np.ndarray, logs: np.ndarray) -> np.ndarray:
    """The residual of each row from the least-squares fit to all other rows."""
    orthogonal, _ = np.linalg.qr(columns)
    leverage = np.sum(orthogonal**2, axis=1)
    residual = logs - orthogonal @ (orthogonal.T @ logs)
    return residual / np.maximum(1 - leverage, 1e-6)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks around zero, the same for equal values."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2
    ranks = middle[which.ravel()]
    return ranks - ranks.mean()
