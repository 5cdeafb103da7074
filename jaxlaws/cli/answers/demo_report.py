"""`jaxlaws demo`: the report on the bundled runs."""

import datetime
from pathlib import Path

import numpy as np

from fitting import (
    FitResult,
    HoldOut,
    Status,
    best_teachers,
    bundled_runs,
    fit,
    hold_out,
    lowest_losses,
    write_report,
)
from fitting.reporting.data_sections import FitSource
from jaxlaws import planning
from jaxlaws.cli.answers.report.parts import in_short, parts_of
from jaxlaws.cli.answers.report.subject import Subject
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.output.destinations import DEMO_TITLE
from jaxlaws.cli.output.progress import Stages
from jaxlaws.compute import training_flops
from jaxlaws.foundations.quantities import format_flops, format_quantity
from jaxlaws.laws.distillation_exponential import DistillationExponential
from jaxlaws.laws.supervised import Supervised

# What the demo writes into its folder.
FILES = (
    "report.md", "report.html", "supervised.json", "distillation.json",
    *(f"{name}.svg" for name in (
        "supervised-runs", "supervised-residuals", "supervised-intervals",
        "isoflop", "distillation-runs", "distillation-teachers", "distillation-residuals",
        "distillation-intervals", "decision", "allocation", "losses",
    )),
)  # fmt: skip
_UNIT, _TABLE = "nats/byte", "the table bundled with jaxlaws"
_INTRODUCTION = """The bundled runs are small language models that this project trained and
distilled on real text. Two laws are fitted to the runs, and checked on runs that the fits did
not see. The distillation law has the form for an infinite outer exponent gamma, because these runs
do not distinguish gamma from infinity. The laws then decide what to do with a budget. For a table
of your own, use `jaxlaws fit my_runs.csv -o fit.json`, then
`jaxlaws report fit.json --table my_runs.csv`."""
# Seconds that the steps take on two cores of 2026 with compiled programs.
_STEPS = {
    "fitting the supervised law": 5.0,
    "fitting the distillation law": 8.0,
    "fitting again without runs that are held out": 9.0,
    "planning": 8.0,
    "drawing": 8.0,
}


def check_budget(flops: float, student: float) -> None:
    """Check, before anything is fitted, that the budget trains the student on the fewest tokens.

    Raises:
        ValueError: the budget is too small.
    """
    fewest = planning.DEFAULT_BOUNDS[0]
    least = training_flops(num_params=student, num_tokens=fewest)
    if flops < least:
        raise ValueError(
            f"a budget of {format_flops(flops)} FLOPs does not train {format_quantity(student)} "
            f"parameters on even {format_quantity(fewest)} tokens, which takes "
            f"{format_flops(least)}: raise --flops or lower --student"
        )


def write_demo(folder: Path, student: float, flops: float, bootstrap: int, seed: int) -> list[str]:
    """Write the report, its pictures and both laws.

    Returns:
        The results in short, a line each.
    """
    stages = Stages(_STEPS)
    supervised, distilled = bundled_runs("supervised"), bundled_runs("distilled")
    with stages.next(f"{len(supervised)} runs"):
        first = fit(Supervised, supervised, bootstrap=bootstrap, seed=seed)
    with stages.next(f"{len(distilled)} runs"):
        frozen = {"supervised": first}
        second = fit(
            DistillationExponential, distilled, freeze=frozen, bootstrap=bootstrap, seed=seed
        )
    with stages.next():
        unseen = _hold_outs(seed)
    fits = []
    results: dict[str, FitResult] = {"supervised": first, "distillation": second}
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    others = {
        "supervised": f"; the other {len(distilled)} rows are distilled runs",
        "distillation": f"; the other {len(supervised)} rows are those of the supervised law",
    }
    for name, result in results.items():
        result.save(folder / f"{name}.json")
        runs = supervised if name == "supervised" else distilled
        held = [each for each in unseen if type(each.fit.law) is type(result.law)]
        fits.append(
            FitSource(
                result=result, name=name, runs=runs, table=_TABLE, date=today, unit=_UNIT,
                hold_outs=held,
                left_out=others[name],
            )
        )  # fmt: skip
    source = Source.of_fit(second, "distillation.json")
    source.loss_unit = _UNIT
    numbers = f"--student {format_quantity(student)} --flops {format_flops(flops)}"
    subject = Subject(
        title=DEMO_TITLE.removeprefix("# "),
        introduction=_INTRODUCTION,
        source=source,
        fits=fits,
        flops=flops,
        num_student_params=student,
        commands=[f"jaxlaws demo {numbers} --bootstrap {bootstrap} --seed {seed}"],
    )
    with stages.next():
        answer = in_short(subject)
        parts = parts_of(subject)
    with stages.next():
        write_report(folder, parts, "jaxlaws: the bundled runs")
    return [
        answer,
        *(
            f"the {name} law: {each.status.name}, see the report"
            for name, each in results.items()
            if each.status != Status.CONVERGED
        ),
    ]


def _hold_outs(seed: int) -> list[HoldOut]:
    """Errors of both laws on runs that the fits did not see."""
    runs, supervised = bundled_runs(), bundled_runs("supervised")
    taught = best_teachers(runs)
    teachers = np.isin(runs.loss, runs.inputs["teacher_loss"][taught])
    law = DistillationExponential
    unseen = {
        "lowest quarter of losses": (Supervised, supervised, lowest_losses(supervised)),
        "distilled, among the lowest quarter of all losses": (law, runs, lowest_losses(runs)),
        "distilled from the two best teachers": (law, runs, taught | teachers),
    }
    return [hold_out(*which, name=name, seed=seed) for name, which in unseen.items()]
