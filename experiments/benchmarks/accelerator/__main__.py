"""`python -m experiments.benchmarks.accelerator`: plans and fits on the default device.

The measurements stop when the time is up. After each row, the program writes the JSON file and the
Markdown table again, so that a kill loses nothing. What is left out, and why, is a row as well. All
results are compared with those of the host's CPU.
"""

import datetime
import json
import os
import sys
import time
from pathlib import Path

import click
import jax

from experiments.benchmarks.accelerator.measurements import MEASUREMENTS
from experiments.benchmarks.accelerator.rows import Limits, Row
from fitting import markdown_table
from jaxlaws.foundations.atomic_files import atomic_write


def facts() -> dict[str, str]:
    """Return the device and the versions of the software."""
    device = jax.devices()[0]
    return {
        "device": device.device_kind,
        "platform": device.platform,
        "host cores": str(os.cpu_count()),
        "jax": jax.__version__,
        "python": sys.version.split()[0],
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
    }


def _peak_gib() -> float | None:
    memory = jax.devices()[0].memory_stats()
    return memory["peak_bytes_in_use"] / 2**30 if memory else None


def _write(rows: list[Row], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    about = facts()
    document = about | {"rows": [row._asdict() for row in rows]}
    name = about["platform"]
    text = json.dumps(document, indent=1, default=float)
    with atomic_write(folder / f"accelerator_{name}.json") as temporary:
        temporary.write_text(text + "\n")
    lines = [[row.what, _written(row.value), row.unit] for row in rows]
    title = ", ".join(f"{key} {value}" for key, value in about.items())
    text = f"{title}\n\n{markdown_table(['what', 'measured', 'unit'], lines)}\n"
    (folder / f"accelerator_{name}.md").write_text(text)


def _written(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


@click.command()
@click.option("--seconds", default=420.0, help="No row starts after this time.")
@click.option("--largest", default=10_000_000, help="Number of plans in the largest batch.")
@click.option("--draws", default=4_096, help="Number of bootstrap draws.")
@click.option("--only", multiple=True, type=click.Choice(list(MEASUREMENTS)))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out/accelerator"),
    help="Output folder.",
)
def main(seconds: float, largest: int, draws: int, only: tuple[str, ...], out: Path) -> None:
    """Measure on the default device, and write a JSON file and a Markdown table."""
    begin = time.monotonic()
    rows: list[Row] = []
    for name, measure in MEASUREMENTS.items():
        if only and name not in only:
            continue
        if time.monotonic() - begin > seconds:
            rows.append(Row(name, "not measured: no time left"))
            _write(rows, out)
            continue
        try:
            for row in measure(Limits(largest, draws)):
                rows.append(row)
                click.echo(f"{time.monotonic() - begin:6.1f} s  {row.what}: {row.value} {row.unit}")
                _write(rows, out)
                if time.monotonic() - begin > seconds:
                    rows.append(Row(f"{name}: further rows", "not measured: no time left"))
                    break
        except (ImportError, RuntimeError, ValueError, TypeError, AttributeError) as error:
            words = f"{type(error).__name__}: {str(error)[:200]}"
            rows.append(Row(f"{name}: further rows", f"not measured: {words}"))
            click.echo(rows[-1].value)
        peak = _peak_gib()
        if peak is not None:
            rows.append(Row(f"peak memory after: {name}", peak, "GiB"))
        _write(rows, out)


if __name__ == "__main__":
    main()
