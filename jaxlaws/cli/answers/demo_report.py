"""`jaxlaws demo`: the report on the bundled runs."""

import functools
from pathlib import Path

import click
import numpy as np

from fitting import bundled_runs, fit, markdown_table, write_report
from fitting.reporting.bundled_sections import hold_out_section, law_section, teacher_section
from jaxlaws import planning
from jaxlaws.cli.answers.pipeline import find
from jaxlaws.cli.answers.plans.comparison import Strategies
from jaxlaws.cli.answers.plans.size_and_tokens import SizeAndTokens
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.options.plan_options import SCENARIOS, scenario_of
from jaxlaws.cli.output.destinations import DEMO_TITLE
from jaxlaws.cli.output.files import write_picture
from jaxlaws.cli.output.question_marks import with_question_marks
from jaxlaws.compute import training_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.foundations.text.cells import DISTANCE, cell
from jaxlaws.foundations.text.table_columns import flat
from jaxlaws.laws.distillation_exponential import DistillationExponential
from jaxlaws.laws.supervised import Supervised

_NUM_DRAWS = 100
_BUDGETS = np.logspace(-1.5, 1.5, 25)  # of the pictures, relative to the budget of the decision

_DECISION = {
    "winner": "winner",
    "margin": "margin",
    "share_of_draws": "share of draws",
    "options.distil.loss": "distilled",
    "options.distil.teacher_loss": "teacher",
    **DISTANCE,
}
# What the demo writes into its folder.
FILES = (
    "report.md", "report.html", "supervised.json", "supervised.svg", "distillation.json",
    "distillation.svg", "teachers.svg", "allocation.svg", "decision.svg",
)  # fmt: skip
_INTRODUCTION = f"""{DEMO_TITLE}

The bundled runs are small language models that this project trained and distilled on real text;
losses are in nats per byte. Two laws are fitted to the runs, and checked on runs that the fits did
not see. The distillation law has the form for an infinite outer exponent gamma, because these runs
do not distinguish gamma from infinity. The laws then decide what to do with a budget. For a table
of your own, use `jaxlaws fit my_runs.csv -o fit.json`, then
`jaxlaws plan compare --law fit.json --flops ... --student ...`."""


def check_budget(flops: float, student: float) -> None:
    """Check, before anything is fitted, that the budget trains the student on the fewest tokens.

    Raises:
        ValueError: the budget is too small.
    """
    fewest = planning.DEFAULT_BOUNDS[0]
    least = training_flops(num_params=student, num_tokens=fewest)
    if flops < least:
        raise ValueError(
            f"a budget of {format_quantity(flops)} FLOPs does not train {format_quantity(student)} "
            f"parameters on even {format_quantity(fewest)} tokens, which takes "
            f"{format_quantity(least)}: raise --flops or lower --student"
        )


def write_demo(folder: Path, student: float, flops: float, bootstrap: int, seed: int) -> list[str]:
    """Write the report, its pictures and both laws.

    Returns:
        The results in short, a line each.
    """
    supervised, distilled = bundled_runs("supervised"), bundled_runs("distilled")
    click.echo(f"fitting the supervised law to {len(supervised)} runs …", err=True)
    options: Tree = {"bootstrap": bootstrap, "seed": seed}
    first = fit(Supervised, supervised, **options)
    click.echo(f"fitting the distillation law to {len(distilled)} runs …", err=True)
    second = fit(DistillationExponential, distilled, freeze={"supervised": first}, **options)
    parts = [
        _INTRODUCTION,
        *law_section(folder, "supervised", first, supervised),
        *law_section(folder, "distillation", second, distilled),
        *teacher_section(folder, second, distilled),
    ]
    click.echo("fitting again without runs that are held out …", err=True)
    parts += hold_out_section(seed)
    click.echo("planning …", err=True)
    source = Source(str(folder / "distillation.json")).with_draws(_NUM_DRAWS)
    parts += _plans(folder, source.for_supervised_runs(), flops * _BUDGETS)
    decision, result = _decision(folder, source, flops, student)
    write_report(folder, "\n\n".join([*parts, *decision]), "jaxlaws: the bundled runs")
    return [
        f"supervised: {first.status.name}, objective {first.objective:.5g}",
        f"distillation: {second.status.name}, objective {second.objective:.5g}",
        result,
    ]


def _plans(folder: Path, source: Source, budgets: Array) -> list[str]:
    """Compute-optimal training over a sweep of budgets."""
    kind = SizeAndTokens("compute-optimal training")
    question = functools.partial(planning.compute_optimal)
    found = find(kind, question, {"flops": budgets}, source)
    write_picture(folder / "allocation.svg", kind.picture(found))
    return [
        "## Compute-optimal training",
        "The best size and its tokens, for budgets below and above the budget of the decision.",
        "![size, tokens, loss and shares against compute](allocation.svg)",
    ]


def _decision(folder: Path, source: Source, flops: float, student: float) -> tuple[list[str], str]:
    """Train, overtrain or distil, in each scenario; and the result in short."""
    kind, rows, reasons = Strategies("train, overtrain or distil?"), [], []
    question = functools.partial(planning.compare, num_student_params=student)
    for name in SCENARIOS:
        charged = functools.partial(question, scenario=scenario_of(name))
        document = kind.document(find(kind, charged, {"flops": flops}, source))
        share = document.get("probabilities", {}).get(document["winner"])
        values = with_question_marks(flat(document | {"share_of_draws": share}))
        rows.append([name, *(cell(key, values[key]) for key in _DECISION)])
        reasons.append(f"- **{name}**: {document['reason']}")
    swept = find(kind, question, {"flops": flops * _BUDGETS}, source)
    write_picture(folder / "decision.svg", kind.picture(swept, budget=flops))
    inputs = f"{format_quantity(student)} parameters, {format_quantity(flops)} FLOPs"
    parts = [
        f"## Train, overtrain or distil? {inputs}",
        markdown_table(["scenario", *_DECISION.values()], rows),
        "\n".join(reasons),
        "Where the training of the teacher is free (free and inference), the teacher may be as "
        "good as tokens can make it. Its tokens are not a plan: choose an existing teacher with "
        "`jaxlaws plan distill --teachers`.",
        f"Bands and shares of draws are over {_NUM_DRAWS} bootstrap draws of both fits at most.",
        "![the loss of each strategy against compute](decision.svg)",
    ]
    return parts, f"{inputs}: {rows[-1][1]}, margin {rows[-1][2]}, {rows[-1][3]} of the draws"
