"""Summary of a table of runs: counts, ranges, and the noise between seeds."""

from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np

Row = dict[str, str]
DESIGN = ("half", "layers", "width", "heads", "steps", "batch_tokens", "learning_rate", "teacher")


def summarise(rows: list[Row]) -> list[str]:
    """Return lines of text that describe the table."""
    lines = []
    counts = Counter((row["sweep"], row["kind"], row["status"]) for row in rows)
    for (sweep, kind, status), count in sorted(counts.items()):
        lines.append(f"{sweep}: {count} {kind} {status}")
    for kind, size, tokens in (
        ("supervised", "num_params", "num_tokens"),
        ("distilled", "num_student_params", "num_student_tokens"),
    ):
        kept = [row for row in rows if row["kind"] == kind and row["status"] == "ok"]
        if kept:
            lines.append(
                f"{kind}: N {_span(float(row[size]) for row in kept)}, "
                f"D {_span(float(row[tokens]) for row in kept)}, "
                f"D/N {_span(float(row[tokens]) / float(row[size]) for row in kept)}, "
                f"loss {_span(float(row['loss']) for row in kept)}"
            )
    teachers = {row["teacher"]: float(row["teacher_loss"]) for row in rows if row["teacher_loss"]}
    if teachers:
        lines.append(f"{len(teachers)} teachers, loss {_span(teachers.values())}")
    return lines + noise_lines(rows)


def seed_deviations(rows: Iterable[Row]) -> dict[tuple[str, ...], tuple[int, float]]:
    """Return the number of seeds and the standard deviation of log loss, per design."""
    losses = defaultdict(list)
    for row in rows:
        if row["status"] == "ok":
            losses[tuple(row[name] for name in DESIGN)].append(float(row["loss"]))
    return {
        design: (len(some), float(np.std(np.log(some), ddof=1)))
        for design, some in losses.items()
        if len(some) > 1
    }


def noise_lines(rows: list[Row]) -> list[str]:
    """For each kind of run a line: the standard deviation between seeds, pooled over designs."""
    deviations = seed_deviations(rows)
    lines = []
    for kind in ("supervised", "distilled"):
        some = [each for design, each in deviations.items() if bool(design[-1]) == (kind[0] == "d")]
        if some:
            freedom = np.array([count - 1 for count, _ in some])
            pooled = np.sqrt(np.sum(freedom * [each**2 for _, each in some]) / freedom.sum())
            lines.append(
                f"noise between seeds, {kind}: standard deviation {pooled:.2%} of the loss "
                f"({len(some)} designs, {freedom.sum()} degrees of freedom)"
            )
    return lines or ["noise between seeds: unknown, because no design has two seeds"]


def _span(values: Iterable[float]) -> str:
    values = list(values)
    return f"{min(values):.4g} to {max(values):.4g}"
