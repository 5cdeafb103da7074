"""Whether the sizes, tokens and compute of a table can be those of runs."""

from collections.abc import Mapping

import numpy as np

from fitting.data.hints import column_option
from fitting.data.preparation.finding import FEWEST_RUNS, PAIRS, Finding
from fitting.data.preparation.header_units import PETAFLOP_DAY

_COUNTS = {name for pair in PAIRS for name in pair} | {
    "num_teacher_params",
    "num_teacher_tokens",
    "num_unique_tokens",
}
# No run has fewer parameters or tokens, and no table has only runs with fewer than the second.
_SMALLEST, _SMALLEST_TABLE = 1e3, 1e4
_LARGEST = {"params": 1e15, "tokens": 1e17}
_LARGEST_LOG = 40.0
_FEW_TOKENS, _MANY_TOKENS = 1e-3, 1e5  # tokens per parameter
_ORDER = 10 ** (2 / 3)  # a factor of compute that is an order of magnitude, rounded
_ACTIVE_SIZES = ("num_experts", "granularity", "density")  # 6 N D does not hold for these laws
_UNITS = {1e3: "K", 1e6: "M", 1e9: "G", 1e12: "T", 1e15: "P", 1e18: "E", 1e21: "Z"}


def implausible_counts(inputs: Mapping[str, np.ndarray], rows: np.ndarray) -> list[Finding]:
    """Sizes and tokens that are too few or too many."""
    found = []
    for name in (each for each in inputs if each in _COUNTS):
        values, thing = inputs[name], "params" if name.endswith("params") else "tokens"
        here = np.isfinite(values)
        if not here.any():
            continue
        remedy = (
            f"If the column is in millions or billions, say so with --unit {name}=M or "
            f"--unit {name}=B (in Python units={{{name!r}: 'B'}})"
        )
        if values[here].max() < _LARGEST_LOG:
            remedy += f". If it holds logarithms: --unit {name}=log10, or --unit {name}=ln"
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


def implausible_ratios(inputs: Mapping[str, np.ndarray]) -> list[Finding]:
    """Tokens per parameter that no training has."""
    found = []
    for size, tokens in PAIRS:
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


def implausible_compute(
    inputs: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray]
) -> list[Finding]:
    """The column `flops` against 6 N D, and the likely cause of a difference."""
    if "flops" not in inputs or any(name in inputs for name in _ACTIVE_SIZES):
        return []
    for size, tokens in PAIRS:
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
            f" The column {proposed!r} agrees with 6 N D: {column_option('flops', proposed)}."
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
    if len(ratio) < FEWEST_RUNS or np.ptp(np.log10(n)) < 0.5:
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


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """The ratios that are finite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = above / below
    return ratio[np.isfinite(ratio) & (ratio > 0)]
