"""`python -m experiments.fuzz`: run random commands for some minutes, and list the faults."""

import collections
import json
import os
import shlex
import tempfile
import time
from pathlib import Path

import click
import jax
import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import jaxlaws
from experiments.fuzz.commands import commands
from experiments.fuzz.files import catalogues, documents, tables
from experiments.fuzz.watch import Fault, run
from fitting import Runs, fit
from jaxlaws import presets
from jaxlaws.foundations.annotations import Json
from jaxlaws.laws.chinchilla import Chinchilla

_AT_ONCE = 100  # commands between two looks at the clock; compiled programs are dropped then


def saved_files(folder: Path) -> dict[str, list[Json]]:
    """Documents of whole laws and fits."""
    sizes, tokens = (grid.ravel() for grid in np.meshgrid([1e8, 4e8, 2e9], [2e9, 2e10, 1e11]))
    loss = 1.8 + 480 / sizes**0.35 + 2100 / tokens**0.37
    runs = Runs.read({"num_params": sizes, "num_tokens": tokens, "loss": loss})
    fit(Chinchilla, runs, num_starts=16, bootstrap=4).save(folder / "fit.json")
    found = {"FIT": [json.loads((folder / "fit.json").read_text())], "LAW": []}
    for name in ("besiroglu2024", "busbridge2025_consistent", "muennighoff2023"):
        jaxlaws.save(presets.load(name), folder / "law.json")
        found["LAW"].append(json.loads((folder / "law.json").read_text()))
    return found


@click.command()
@click.option("--minutes", default=10.0, show_default=True)
@click.option("--seed", "first_seed", default=0, show_default=True)
@click.option("-o", "--output", default="out/fuzz", show_default=True, help="Folder for faults.")
def main(minutes: float, first_seed: int, output: str) -> None:
    """Run random commands, and write the faults and their files into a folder."""
    os.environ["JAXLAWS_CACHE"] = ""
    begin, folder = time.monotonic(), Path(output).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    counts: collections.Counter[str] = collections.Counter()
    verbs: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        whole = saved_files(Path(place))

        def case(
            arguments: list[str], table: tuple[str, bytes], teachers: tuple[str, bytes],
            law: bytes, fitted: bytes,
        ) -> None:  # fmt: skip
            if time.monotonic() - begin > 60 * minutes:
                return
            files = {
                "TABLE": (f"runs{table[0]}", table[1]),
                "CATALOGUE": (f"teachers{teachers[0]}", teachers[1]),
                "LAW": ("law.json", law),
                "FIT": ("fit.json", fitted),
            }
            for name, content in files.values():
                Path(name).write_bytes(content)
            named = [files[a][0] if a in files else a for a in arguments]
            fault = run(named, {Path(name): content for name, content in files.values()})
            verbs[" ".join(arguments[:2]) if arguments[:1] == ["plan"] else arguments[0]] += 1
            if fault is not None:
                counts[fault.kind] += 1
                if counts[fault.kind] <= 3:
                    _keep(folder / f"{sum(counts.values())}", named, fault, dict(files.values()))

        step = 0
        while time.monotonic() - begin < 60 * minutes:
            strategies = (
                commands(), tables(), catalogues(), documents(whole["LAW"]), documents(whole["FIT"])
            )  # fmt: skip
            some = settings(
                max_examples=_AT_ONCE, deadline=None, database=None, phases=[Phase.generate],
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
            )  # fmt: skip
            seed(first_seed + step)(some(given(st.tuples(*strategies))(lambda all_: case(*all_))))()
            step += 1
            jax.clear_caches()
        os.chdir("/")
    click.echo(f"{sum(verbs.values())} commands: {dict(verbs)}")
    for kind, count in counts.most_common():
        click.echo(f"{count:5d}  {kind}")


def _keep(folder: Path, arguments: list[str], fault: Fault, files: dict[str, bytes]) -> None:
    """Write a fault and the files of its command into a folder."""
    folder.mkdir(exist_ok=True)
    command = f"jaxlaws {shlex.join(arguments)}"
    (folder / "fault.txt").write_text(f"{command}\n{fault.kind}\n{fault.detail}\n")
    for name, content in files.items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
