"""`jaxlaws report`: a saved fit as a page: coefficients, what they leave open, a few plans."""

from pathlib import Path
from typing import Any

import click

from jaxlaws.cli.compilation_cache import keep_compiled
from jaxlaws.cli.options.fitting_options import column_option, mapped
from jaxlaws.cli.options.law_modules import law_module_option
from jaxlaws.cli.options.law_source import Source

_NUM_DRAWS = 200  # of the fit's draws, behind the intervals of plans


def _plans(source: Source) -> list[str]:
    """Compute-optimal plans at the largest fitted budget and beyond; none without such a law."""
    import jax

    from fitting.reporting.markdown import markdown_table
    from jaxlaws.cli.answers.draws import interval, over_draws
    from jaxlaws.foundations.quantities import format_quantity
    from jaxlaws.planning import compute_optimal, extrapolation_decades
    from jaxlaws.planning.engine.checks import supervised_law

    ranges = source.fitted_range or {}
    try:
        supervised_law(source.law)
        largest = 6 * ranges["num_params"][1] * ranges["num_tokens"][1]
    except (TypeError, KeyError):
        return []
    rows = []
    for flops in (largest / 100, largest / 10, largest, largest * 10, largest * 100):
        plan = compute_optimal(source.law, flops=flops)
        draws = None
        if source.ensemble is not None:
            few = jax.tree.map(lambda leaf: leaf[:_NUM_DRAWS], source.ensemble)
            draws = over_draws(compute_optimal, few, {"flops": flops})
        cells = [
            _cell(
                float(getattr(plan, name)),
                None if draws is None else interval(getattr(draws, name)),
                form,
            )
            for name, form in (
                ("num_params", format_quantity),
                ("num_tokens", format_quantity),
                ("loss", "{:.4f}".format),
            )
        ]
        outside = f"{float(extrapolation_decades(plan, ranges)):.1f}"
        rows.append([format_quantity(flops), *cells, outside])
    return [
        "## Compute-optimal plans",
        markdown_table(["FLOPs", "parameters", "tokens", "loss", "decades outside"], rows),
        "Around the budget of the largest fitted size on the largest fitted number of tokens, "
        "C = 6 N D. Decades outside: how far size or tokens lie beyond the fitted runs."
        + (" Brackets: central 90% of the fit's draws." if source.ensemble is not None else ""),
    ]


def _cell(value: float, ends: list[float] | None, form: Any) -> str:
    return form(value) if ends is None else f"{form(value)} [{form(ends[0])}, {form(ends[1])}]"


@click.command("report")
@click.argument("fit_file", metavar="FIT", type=click.Path())
@click.option("-o", "--output", default="report.html", show_default=True, help="File to write.")
@click.option("--table", type=click.Path(), help="The runs, for the fit's errors on them.")
@column_option
@law_module_option
@click.option("--level", default=0.9, show_default=True, type=click.FloatRange(0.01, 0.999))
def command(
    fit_file: str, output: str, table: str | None, columns: tuple[str, ...], level: float
) -> None:
    """Write a page on the saved fit FIT: coefficients, intervals, warnings, pictures, plans."""
    keep_compiled()
    from fitting import FitResult, Runs
    from fitting.reporting.fit_sections import fit_report
    from fitting.reporting.markdown import to_page

    result = FitResult.load(fit_file)
    runs = None
    if table is not None:
        runs = Runs.read(table, columns=mapped(columns), law_type=type(result.law))
    title = f"{type(result.law).__name__}: {Path(fit_file).name}"
    parts: list[Any] = [f"# {title}"]
    for stage in result.stages.values():
        parts += fit_report(stage, level=level)
    parts += fit_report(result, runs=runs, level=level)
    parts += _plans(Source(fit_file).for_supervised_runs())
    Path(output).write_text(to_page(parts, title), encoding="utf-8")
    click.echo(f"wrote {output}")
