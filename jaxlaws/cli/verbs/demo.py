"""`jaxlaws demo`: from the bundled runs to fitted laws, their checks, plans and a decision."""

import functools
from pathlib import Path
from typing import Any

import click

from jaxlaws.cli.compilation_cache import keep_compiled
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.options.parameter_types import QUANTITY

_LEVEL = 0.9
_NUM_BUDGETS = 25
_DECADES = 1.5  # of the sweep of budgets, either way
_NUM_DRAWS = 100  # of the fit's draws, behind the bands

_INTRODUCTION = """# The laws of the bundled runs

Small language models, really trained and distilled for this project, on real text; losses are nats
per byte. Two laws are fitted to them, checked on runs that they did not see, and asked what to do
with a budget. The same goes for a table of your own: `jaxlaws fit my_runs.csv -o fit.json`, then
`jaxlaws plan compare --law fit.json --flops ... --student ...`."""


def _say(text: str) -> None:
    click.echo(text, err=True)


def _law(folder: Path, name: str, result: Any, runs: Any) -> list[str]:
    """A fitted law: saved, drawn, and told."""
    import numpy as np

    from fitting.data.predictions import predict, relative_errors
    from fitting.reporting import fit_figures
    from fitting.reporting.markdown import markdown_table

    result.save(folder / f"{name}.json")
    picture = fit_figures.fit_and_residuals(result.law, runs, title=f"{name} law")
    picture.savefig(folder / f"{name}.svg")
    off = np.abs(relative_errors(predict(result.law, runs.inputs), runs))
    rows = [
        [coefficient, *(f"{each[key]:.5g}" for key in ("value", "low", "high"))]
        for coefficient, each in result.coefficients(_LEVEL).items()
    ]
    return [
        f"## The {name} law",
        f"{result.num_runs} runs, {result.status.name}, {result.starts_agreeing:.0%} of the starts "
        f"agree. On these runs themselves: mean error {off.mean():.2f}%, worst {off.max():.2f}%.",
        markdown_table(["coefficient", "value", f"low ({_LEVEL:.0%})", "high"], rows),
        *(f"- {note}" for note in result.identifiability.notes),
        f"![measured against predicted loss]({name}.svg)",
    ]


def _checks(seed: int) -> list[str]:
    """Errors on runs that the fits did not see."""
    import numpy as np

    from fitting import bundled_runs, hold_out
    from fitting.reporting.tables import error_table
    from fitting.validation.hold_outs import best_teachers, lowest_losses
    from jaxlaws.laws.distillation_limit import DistillationLimit
    from jaxlaws.laws.supervised import Supervised

    runs, supervised = bundled_runs(), bundled_runs("supervised")
    taught = best_teachers(runs)
    teachers = np.isin(runs.loss, runs.inputs["teacher_loss"][taught])
    held = [
        hold_out(
            Supervised,
            supervised,
            lowest_losses(supervised),
            name="supervised, lowest quarter of losses",
            seed=seed,
        ),
        hold_out(
            DistillationLimit,
            runs,
            lowest_losses(runs),
            name="distilled, among the lowest quarter of all losses",
            seed=seed,
        ),
        hold_out(
            DistillationLimit,
            runs,
            taught | teachers,
            name="distilled from the two best teachers",
            seed=seed,
        ),
    ]
    return [
        "## Runs that the fits did not see",
        "Each law is fitted again without the runs held out (the supervised law inside the "
        "distillation law too) and predicts them, beside two predictors that know less: the mean "
        "loss of the fitted runs, and the supervised law at the student's size and tokens.",
        error_table(held),
    ]


def _plans(folder: Path, source: Source, budgets: Any, draws: Any) -> list[str]:
    """Compute-optimal training over a sweep of budgets."""
    import numpy as np

    from jaxlaws.cli.answers.draws import over_draws
    from jaxlaws.figures import plans
    from jaxlaws.planning import compute_optimal, extrapolation_decades

    plan = compute_optimal(source.law, flops=budgets)
    decades = np.broadcast_to(extrapolation_decades(plan, source.fitted_range or {}), budgets.shape)
    cloud = over_draws(compute_optimal, draws, {"flops": budgets})
    picture = plans.allocation(
        budgets, plan, draws=cloud, decades=decades, title="compute-optimal training"
    )
    picture.savefig(folder / "allocation.svg")
    return [
        "## Compute-optimal training",
        "How large a model, on how many tokens, for budgets around the one that was asked.",
        "![size, tokens, loss and shares against compute](allocation.svg)",
    ]


def _decision(
    folder: Path, source: Source, budgets: Any, draws: Any, flops: float, student: float
) -> tuple[list[str], str]:
    """Train, overtrain or distil, by who pays for the teacher; and the answer in short."""
    import numpy as np

    from fitting.reporting.markdown import markdown_table
    from jaxlaws import planning
    from jaxlaws.cli.answers.comparison import farthest
    from jaxlaws.cli.answers.draws import over_draws
    from jaxlaws.cli.options.plan_options import SCENARIOS
    from jaxlaws.figures import plans
    from jaxlaws.foundations.quantities import format_quantity

    ranges = source.fitted_range or {}
    rows, told, winners = [], [], np.empty(0)
    for name, scenario in SCENARIOS.items():
        question = functools.partial(
            planning.compare,
            num_student_params=student,
            scenario=getattr(planning, scenario),
        )
        here = question(source.law, flops=flops)
        winners = over_draws(question, draws, {"flops": flops}).winner
        winner = planning.Winner(int(here.winner))
        distilled = here.options.distil
        rows.append(
            [
                name,
                winner.name,
                f"{here.margin:.4f}",
                f"{np.mean(winners == winner):.0%}",
                f"{distilled.loss:.4f}",
                f"{distilled.teacher_loss:.4f}",
                f"{farthest(here, ranges):.2g}",
            ]
        )
        told.append(f"- **{name}**: {here.words(ranges)}")
    full = functools.partial(planning.compare, num_student_params=student)
    comparison = full(source.law, flops=budgets)
    picture = plans.decision(
        budgets,
        comparison,
        draws=over_draws(full, draws, {"flops": budgets}),
        decades=farthest(comparison, ranges),
        budget=flops,
        title=f"a student of {format_quantity(student)} parameters; the teacher is paid in full",
    )
    picture.savefig(folder / "decision.svg")
    asked = f"{format_quantity(student)} parameters, {format_quantity(flops)} FLOPs"
    heads = [
        "paid of the teacher",
        "winner",
        "margin",
        "of draws",
        "distilled",
        "teacher",
        "decades outside",
    ]
    parts = [
        f"## Train, overtrain or distil? {asked}",
        markdown_table(heads, rows),
        "\n".join(told),
        f"Bands and the share of draws are over {len(winners)} bootstrap draws of both fits.",
        "![the loss of each strategy against compute](decision.svg)",
    ]
    return parts, f"{asked}: {rows[-1][1]}, margin {rows[-1][2]}, {rows[-1][3]} of the draws"


def _check_budget(flops: float, student: float) -> None:
    """Refuse, before anything is fitted, a budget that does not pay for the student.

    Raises:
        ValueError: it does not, however few its tokens.
    """
    from jaxlaws.compute import training_flops
    from jaxlaws.foundations.quantities import format_quantity
    from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS

    fewest = DEFAULT_BOUNDS[0]
    least = training_flops(num_params=student, num_tokens=fewest)
    if flops < least:
        raise ValueError(
            f"a budget of {format_quantity(flops)} FLOPs does not train {format_quantity(student)} "
            f"parameters on even {format_quantity(fewest)} tokens, which takes "
            f"{format_quantity(least)}: raise --flops or lower --student"
        )


@click.command("demo")
@click.option("-o", "--output", default="out/demo", show_default=True, help="Folder to write.")
@click.option("--student", type=QUANTITY, default="40K", show_default=True, help="Parameters.")
@click.option("--flops", type=QUANTITY, default="1e12", show_default=True, help="The budget.")
@click.option("--bootstrap", default=300, show_default=True, type=click.IntRange(2))
@click.option("--seed", default=0, show_default=True)
def command(output: str, student: float, flops: float, bootstrap: int, seed: int) -> None:
    """Fit the bundled runs, check, plan, and decide: train, overtrain or distil?

    Writes report.html with its pictures, and both laws as JSON.
    """
    _check_budget(flops, student)
    keep_compiled()
    import jax
    import numpy as np

    from fitting import bundled_runs, fit
    from fitting.reporting import fit_figures
    from fitting.reporting.markdown import write_report
    from jaxlaws.laws.distillation_limit import DistillationLimit
    from jaxlaws.laws.supervised import Supervised

    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    options: Any = {"bootstrap": bootstrap, "seed": seed}
    supervised, distilled = bundled_runs("supervised"), bundled_runs("distilled")
    _say(f"fitting the supervised law to {len(supervised)} runs …")
    first = fit(Supervised, supervised, **options)
    _say(f"fitting the distillation law to {len(distilled)} runs …")
    second = fit(DistillationLimit, distilled, freeze={"supervised": first}, **options)
    parts = [
        _INTRODUCTION,
        *_law(folder, "supervised", first, supervised),
        *_law(folder, "distillation", second, distilled),
    ]
    fit_figures.student_against_teacher(second.law, distilled).savefig(folder / "teachers.svg")
    parts += [
        "## Students and their teachers",
        "Lines are the fitted law, dashed lines the supervised law for the student alone. Where a "
        "line turns up again to the left, a better teacher makes a worse student.",
        "![student loss against teacher loss](teachers.svg)",
    ]
    _say("fitting again without runs that are held out …")
    parts += _checks(seed)
    _say("planning …")
    source = Source(str(folder / "distillation.json"))
    draws = jax.tree.map(lambda leaf: leaf[:_NUM_DRAWS], source.ensemble)
    budgets = flops * np.logspace(-_DECADES, _DECADES, _NUM_BUDGETS)
    parts += _plans(folder, source.for_supervised_runs(), budgets, draws.supervised)
    decided, answer = _decision(folder, source, budgets, draws, flops, student)
    write_report(folder, "\n\n".join([*parts, *decided]), "jaxlaws: the bundled runs")
    for name, result in (("supervised", first), ("distillation", second)):
        click.echo(f"{name}: {result.status.name}, objective {result.objective:.5g}")
    click.echo(answer)
    click.echo(f"wrote {folder}/report.html")
