"""Whether the numbers of a table can be what the law means: units, compute, outcomes.

A finding refuses the table if its numbers are likely wrong, and warns if they are unusual. Each has
a name, and `allow` (on the command line `--allow NAME`) turns a refusal into a warning.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from fitting.data.preparation.header_units import PETAFLOP_DAY
from fitting.data.preparation.usual_names import normal_name
from jaxlaws.foundations.quantities import format_quantity

_PAIRS = (("num_params", "num_tokens"), ("num_student_params", "num_student_tokens"))
_COUNTS = {name for pair in _PAIRS for name in pair} | {
    "num_teacher_params",
    "num_teacher_tokens",
    "num_unique_tokens",
}
# No run has fewer parameters or tokens, and no table has only runs with fewer than the second.
_SMALLEST, _SMALLEST_TABLE = 1e3, 1e4
_LARGEST = {"params": 1e15, "tokens": 1e17}
_FEW_TOKENS, _MANY_TOKENS = 1e-3, 1e5  # tokens per parameter
_LOG_OF_LARGEST_VOCABULARY = float(np.log(2**20))
_HIGH_LOSS = 8.0  # nats per token: a model that has learnt anything has a lower loss
_ORDER = 10 ** (2 / 3)  # a factor of compute that is an order of magnitude, rounded
_FEWEST_RUNS = 5
_RISES = 0.5  # rank correlation
_ACTIVE_SIZES = ("num_experts", "granularity", "density")  # 6 N D does not hold for these laws
_METRICS = {
    "perplexity": ("ppl", "perplexity"),
    "accuracy": ("acc", "accuracy"),
    "bits": ("bpb", "bpc", "bits", "bits_per_byte", "bits_per_character", "bits_per_token"),
}
_UNITS = {1e3: "K", 1e6: "M", 1e9: "G", 1e12: "T", 1e15: "P", 1e18: "E", 1e21: "Z"}


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something implausible in a table.

    Attributes:
        name: of the check.
        message: what is implausible, and the remedy.
        refuses: whether the table is likely wrong, not only unusual.
    """

    name: str
    message: str
    refuses: bool


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
    found = [*_counts(inputs, rows), *_tokens_per_parameter(inputs)]
    found += _compute(inputs, others)
    if outcome_is_loss:
        found += [*_outcome_name(titles.get("loss", "loss")), *_outcome(loss, rows)]
        found += _rising(inputs, loss)
    return found


def _counts(inputs: Mapping[str, np.ndarray], rows: np.ndarray) -> list[Finding]:
    found = []
    for name in _COUNTS & set(inputs):
        values, thing = inputs[name], "params" if name.endswith("params") else "tokens"
        here = np.isfinite(values)
        if not here.any():
            continue
        remedy = (
            f"If the column is in millions or billions, say so with --unit {name}=M or "
            f"--unit {name}=B (in Python units={{{name!r}: 'B'}})"
        )
        least = values[here].min()
        if least < _SMALLEST:
            row = rows[here][values[here] == least][0]
            fewer = "one" if least < 1 else f"{_SMALLEST:g}"
            message = f"{name} is {least:g} in row {row}: no run has less than {fewer}."
            found.append(Finding("counts", f"{message} {remedy}", refuses=True))
        elif values[here].max() < _SMALLEST_TABLE:
            message = f"{name} is at most {values[here].max():g} in all rows."
            found.append(Finding("counts", f"{message} {remedy}", refuses=True))
        if values[here].max() > _LARGEST[thing]:
            most = values[here].max()
            row = rows[here][values[here] == most][0]
            found.append(
                Finding(
                    "counts",
                    f"{name} is {most:.3g} in row {row}, more than any run has. Check the unit of "
                    f"the column (--unit {name}=1 ignores the unit in its header)",
                    refuses=True,
                )
            )
    return found


def _tokens_per_parameter(inputs: Mapping[str, np.ndarray]) -> list[Finding]:
    found = []
    for size, tokens in _PAIRS:
        if not {size, tokens} <= set(inputs):
            continue
        ratio = _ratio(inputs[tokens], inputs[size])
        if not ratio.size:
            continue
        low, high = ratio.min(), ratio.max()
        if high < _FEW_TOKENS or low > _MANY_TOKENS:
            unit = f"--unit {tokens}=B" if high < _FEW_TOKENS else f"--unit {size}=M"
            found.append(
                Finding(
                    "tokens-per-parameter",
                    f"the runs have {low:.2g} to {high:.2g} {tokens} for each of {size}, which no "
                    f"training has. The two columns probably have different units: see {unit}",
                    refuses=True,
                )
            )
        elif low < _FEW_TOKENS or high > _MANY_TOKENS:
            found.append(
                Finding(
                    "tokens-per-parameter",
                    f"some runs have {low:.2g} or {high:.2g} {tokens} for each of {size}, which is "
                    "unusual: check the units of these rows",
                    refuses=False,
                )
            )
    return found


def _compute(inputs: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray]) -> list[Finding]:
    """The column `flops` against 6 N D, and the likely cause of a difference."""
    if "flops" not in inputs or any(name in inputs for name in _ACTIVE_SIZES):
        return []
    for size, tokens in _PAIRS:
        if not {size, tokens} <= set(inputs):
            continue
        flops, n, d = inputs["flops"], inputs[size], inputs[tokens]
        here = np.isfinite(flops) & np.isfinite(n) & np.isfinite(d)
        if not here.any():
            continue
        flops, n, d = flops[here], n[here], d[here]
        ratio = flops / (6 * n * d)
        middle = float(np.median(ratio))
        if 1 / _ORDER < middle < _ORDER:
            return _drift(ratio, n)
        proposed = _agrees(others, here, 6 * n * d)
        better = (
            f" The column {proposed!r} agrees with 6 N D: --column flops={proposed!r}."
            if proposed
            else ""
        )
        return [
            Finding(
                "flops",
                f"the column flops is {middle:.2g} times 6 N D in the median row"
                f"{_cause(ratio, middle, flops, n, d)}.{better} Profiles, roll-outs and reports "
                "would use this column as the training compute",
                refuses=True,
            )
        ]
    return []


def _cause(
    ratio: np.ndarray, middle: float, flops: np.ndarray, n: np.ndarray, d: np.ndarray
) -> str:
    if 1 / _ORDER < np.median(flops / (6 * n)) < _ORDER:
        return ": it is FLOPs per token, 6 N, not the compute of a run"
    if 1 / _ORDER < np.median(flops / (2 * n)) < _ORDER:
        return ": it is FLOPs per token of a forward pass, 2 N, not the compute of a run"
    if np.ptp(np.log10(ratio)) < 1:
        if 1 / _ORDER < middle * PETAFLOP_DAY < _ORDER:
            return ": its unit is petaFLOP/s-days. Say so with --unit flops=PF-days"
        for factor, letter in _UNITS.items():
            if 1 / _ORDER < middle * factor < _ORDER:
                return f": its unit is {letter}FLOPs. Say so with --unit flops={letter}"
    return (
        ". If it counts something else, such as a mixture of experts, --allow flops takes it as it "
        "is"
    )


def _drift(ratio: np.ndarray, n: np.ndarray) -> list[Finding]:
    """A ratio to 6 N D that changes with N: N and the compute count embeddings differently."""
    if len(ratio) < _FEWEST_RUNS or np.ptp(np.log10(n)) < 0.5:
        return []
    slope, _ = np.polyfit(np.log10(n), np.log10(ratio), 1)
    change = abs(slope) * np.ptp(np.log10(n))
    correlated = abs(np.corrcoef(np.log10(n), np.log10(ratio))[0, 1]) if np.ptp(ratio) else 0.0
    if change < 0.15 or correlated < 0.9:
        return []
    return [
        Finding(
            "flops",
            f"the column flops is {ratio.max():.2g} times 6 N D for some sizes and "
            f"{ratio.min():.2g} times for others, and the ratio changes steadily with N: the "
            "column and N probably do not count the same parameters, such as embeddings. Plans "
            "count 6 N D",
            refuses=False,
        )
    ]


def _agrees(others: Mapping[str, np.ndarray], here: np.ndarray, compute: np.ndarray) -> str | None:
    """The title of the only other column that agrees with 6 N D."""
    titles = []
    for title, values in others.items():
        if values.dtype.kind == "f" and np.all(values[here] > 0):
            off = np.log10(values[here] / compute)
            if np.abs(np.median(off)) < np.log10(2):
                titles.append(title)
    return titles[0] if len(titles) == 1 else None


def _outcome_name(title: str) -> list[Finding]:
    words = set(normal_name(title).split("_"))
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


def _outcome(loss: np.ndarray, rows: np.ndarray) -> list[Finding]:
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


def _rising(inputs: Mapping[str, np.ndarray], loss: np.ndarray) -> list[Finding]:
    """An outcome that rises with size and with tokens, such as an accuracy."""
    for size, tokens in _PAIRS:
        if not {size, tokens} <= set(inputs):
            continue
        n, d = inputs[size], inputs[tokens]
        here = np.isfinite(n) & np.isfinite(d) & np.isfinite(loss)
        if here.sum() < _FEWEST_RUNS:
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


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks around zero, the same for equal values."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2
    ranks = middle[which.ravel()]
    return ranks - ranks.mean()


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """The ratios that are finite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = above / below
    return ratio[np.isfinite(ratio) & (ratio > 0)]


def names_of_checks() -> Sequence[str]:
    """The names that `allow` takes."""
    return ("counts", "tokens-per-parameter", "flops", "outcome")
