"""`jaxlaws demo`: from the bundled runs to fitted laws, their checks, plans and a decision."""

from pathlib import Path

import click

from jaxlaws.cli.compilation_cache import keep_compiled
from jaxlaws.cli.options.common_options import MOST_DRAWS, seed_option, verb
from jaxlaws.cli.options.parameter_types import QUANTITY
from jaxlaws.cli.output.destinations import LAWS, PAGES, PICTURES, Suffixes, check_destination
from jaxlaws.cli.output.printing import in_lines


@verb("demo", example="jaxlaws demo --student 40K --flops 1e12")
@click.option(
    "-o", "--output", default="out/demo", show_default=True, help="Folder to write the report to."
)
@click.option(
    "--student",
    type=QUANTITY,
    default="40K",
    show_default=True,
    help="Parameters of the student to decide on.",
)
@click.option(
    "--flops", type=QUANTITY, default="1e12", show_default=True, help="The budget in FLOPs."
)
@click.option(
    "--bootstrap",
    default=200,
    show_default=True,
    type=click.IntRange(2, MOST_DRAWS),
    help="Number of bootstrap draws of each fit.",
)
@click.option("--force", is_flag=True, help="Replace existing files that are not of a demo.")
@seed_option
def command(
    output: str, student: float, flops: float, bootstrap: int, force: bool, seed: int
) -> None:
    """Fit two laws to the bundled runs, check them, and decide: train, overtrain or distil.

    Writes report.html with its pictures, and both laws as JSON.
    """
    keep_compiled()
    from jaxlaws.cli.answers.demo_report import FILES, check_budget, write_demo

    check_budget(flops, student)
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        suffixes: Suffixes = {".md": "demo", **LAWS, **PICTURES, **PAGES}
        check_destination(str(folder / name), suffixes, [], force=force)
    for line in write_demo(folder, student, flops, bootstrap, seed):
        click.echo(in_lines(line))
    click.echo(f"wrote {folder}/report.html")
