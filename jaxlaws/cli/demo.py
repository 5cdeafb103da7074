"""`jaxlaws demo`: from the bundled runs to fitted laws, their pictures and a report."""

from pathlib import Path
from typing import Any

import click

from jaxlaws.cli.compilation import keep_compiled


def _table(result: Any, level: float) -> str:
    from fitting.reporting import markdown_table

    rows = [
        [name, f"{each['value']:.5g}", f"{each['low']:.5g}", f"{each['high']:.5g}"]
        for name, each in result.coefficients(level).items()
    ]
    return markdown_table(["coefficient", "value", f"low ({level:.0%})", "high"], rows)


def _errors(law: Any, runs: Any) -> str:
    import numpy as np

    from jaxlaws.precision import float64

    with float64():
        inputs = {name: runs.inputs[name] for name in law.input_names}
        off = 100 * np.abs(np.asarray(law.loss(**inputs)) / runs.loss - 1)
    return f"mean error {off.mean():.2f}%, median {np.median(off):.2f}%, worst {off.max():.2f}%"


@click.command("demo")
@click.option("-o", "--output", default="out/demo", show_default=True, help="Folder to write.")
@click.option("--bootstrap", default=300, show_default=True, type=click.IntRange(2), help="Draws.")
@click.option("--seed", default=0, show_default=True)
def command(output: str, bootstrap: int, seed: int) -> None:
    """Fit the supervised and the distillation law to the bundled runs, and report.

    Writes report.html, its pictures and the laws as JSON.
    """
    keep_compiled()
    from fitting import bundled_runs, figures, fit
    from fitting.reporting import write_report
    from jaxlaws.laws.distillation_limit import DistillationLimit
    from jaxlaws.laws.supervised import Supervised

    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    options: Any = {"bootstrap": bootstrap, "seed": seed}
    supervised, distilled = bundled_runs("supervised"), bundled_runs("distilled")
    click.echo(f"fitting the supervised law to {len(supervised)} runs …", err=True)
    first = fit(Supervised, supervised, **options)
    click.echo(f"fitting the distillation law to {len(distilled)} runs …", err=True)
    second = fit(DistillationLimit, distilled, freeze={"supervised": first}, **options)
    parts = [
        "# The laws of the bundled runs",
        "Small language models trained and distilled for this project; losses are nats per byte. "
        "Errors are on the runs that the laws were fitted to.",
    ]
    for name, result, runs in (
        ("supervised", first, supervised),
        ("distillation", second, distilled),
    ):
        result.save(folder / f"{name}.json")
        picture = figures.fit_and_residuals(result.law, runs, title=f"{name} law")
        picture.savefig(folder / f"{name}.svg")
        agreeing = f"{result.starts_agreeing:.0%} of the starts agree"
        parts += [
            f"## The {name} law",
            f"{result.num_runs} runs, {result.status.name}, {agreeing}; "
            f"{_errors(result.law, runs)}.",
            _table(result, 0.9),
            *(f"- {note}" for note in result.identifiability.notes),
            f"![measured against predicted loss]({name}.svg)",
        ]
    picture = figures.student_against_teacher(second.law, distilled)
    picture.savefig(folder / "teachers.svg")
    parts += [
        "## Students and their teachers",
        "Lines are the fitted law, dashed lines the supervised law for the student alone.",
        "![student loss against teacher loss](teachers.svg)",
        "## Still missing",
        "Held-out checks, plans, and the answer to “train, overtrain or distil?”.",
    ]
    write_report(folder, "\n\n".join(parts), "jaxlaws: the bundled runs")
    for name, result in (("supervised", first), ("distillation", second)):
        click.echo(f"{name}: {result.status.name}, objective {result.objective:.5g}")
    click.echo(f"wrote {folder}/report.html; plans and held-out checks are still missing")
