"""`python -m experiments.paper`: write `docs/claims.md` and draw the paper's figures."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click
from matplotlib.figure import Figure

from experiments.capacity_gap.kernel_regression import __main__ as kernel_regression
from experiments.capacity_gap.mapping_problem import __main__ as mapping_problem
from experiments.paper import accounting, claims, map_claims, plan_claims
from experiments.paper.claims import Claim
from experiments.paper.explainer import capacity_gap, gains, own_teacher_loss, worked_example
from experiments.paper.pictures import curves, maps, plans, points
from experiments.paper.rules import RULES
from fitting import markdown_table
from jaxlaws import presets
from jaxlaws.figures.style import save_figure, set_title
from jaxlaws.foundations.annotations import Tree
from jaxlaws.foundations.text.escaping import Markup

PAGE = Path(__file__).resolve().parents[2] / "docs" / "claims.md"
_TEMPLATE = Path(__file__).with_name("claims_page.md")
CLAIMS = [*claims.CLAIMS, *map_claims.CLAIMS, *plan_claims.CLAIMS]
PICTURES = curves.PICTURES | maps.PICTURES | plans.PICTURES
PRESETS = ("busbridge2025", "busbridge2025_consistent", "busbridge2025_refit")


def _laws() -> dict[str, Tree]:
    return {name: presets.load(name) for name in PRESETS}


_COLUMNS = [Markup(f"`{name}`") for name in PRESETS]


def table(rows: Sequence[tuple[str, Callable[[Tree], str]]]) -> str:
    """Return a Markdown table with each rule and the result of each preset."""
    cells = [[rule, *(answer(law) for law in _laws().values())] for rule, answer in rows]
    return markdown_table(["", *_COLUMNS], cells)


def claims_table(claims: Sequence[Claim]) -> str:
    """Return a Markdown table with each claim, its place, the printed and the computed values."""
    cells = []
    for each in claims:
        answers = [each.answer(law) for law in _laws().values()]
        cells.append([each.claim, each.place, each.printed, *answers, each.verdict])
        click.echo(f"computed {each.place}", err=True)
    heads = ["claim", "place", "printed", *_COLUMNS, "verdict"]
    return markdown_table(heads, cells).replace("---: |", ":--- |")


def page() -> str:
    """Return the text of the page, with all numbers computed."""
    found = _laws()
    gap_heads = ["student", "the explainer", *_COLUMNS, "alone, 40B", "alone, unlimited"]
    letters = zip("PCR", found.values(), strict=True)
    return _TEMPLATE.read_text(encoding="utf-8").format(
        claims=claims_table(CLAIMS),
        rules=table(RULES),
        students=plan_claims.students_shown(),
        exponents=markdown_table(
            ["scenario", "quantity", *_COLUMNS], plan_claims.exponents_table(found)
        ),
        sizes=markdown_table(accounting.COLUMNS, accounting.table_13(accounting.SHOWN)),
        parts=markdown_table(
            ["part", "parameters (M)", "FLOPs (M)", "of all FLOPs"], accounting.parts_table("546M")
        ),
        conventions=markdown_table(
            ["forward FLOPs (B)", *accounting.SHOWN], accounting.conventions_table()
        ),
        example=markdown_table(["", "the explainer", *_COLUMNS], worked_example(found)),
        own=own_teacher_loss(),
        gap=markdown_table(gap_heads, capacity_gap(found)),
        gains="; ".join(f"{letter} {gains(law)}" for letter, law in letters),
    )


def drawn(names: Sequence[str]) -> Iterator[tuple[str, Figure]]:
    """Draw all figures.

    Args:
        names: presets; the figures that need a law are drawn with each of them.

    Yields:
        The name of a file without its suffix, and the figure.
    """
    known = {name: presets.describe(name) for name in names}
    for name, preset in known.items():
        for picture, draw in PICTURES.items():
            figure = draw(preset)
            set_title(figure, f"{picture.replace('_', ' ').capitalize()}, {name}")
            yield f"{name}/{picture}", figure
    yield "kernel_regression", kernel_regression.draw(kernel_regression.paper_setting())
    file = points.file_of_points()
    if file is None:
        click.echo(f"no file {points.FILE} of points: skipped Figs. 1 and 5b")
    else:
        yield from points.on_points(file, known)


@click.command()
@click.option(
    "--law",
    "names",
    multiple=True,
    default=PRESETS,
    show_default=True,
    help="Preset for the figures; may be repeated.",
)
@click.option("-o", "--out", default="out/paper", type=click.Path(path_type=Path))
@click.option("--pictures-only", is_flag=True, help="Draw the figures only; do not write the page.")
def main(names: tuple[str, ...], out: Path, pictures_only: bool) -> None:
    """Compute the claims, write the page, and draw the figures that follow from a law."""
    if not pictures_only:
        PAGE.write_text(page(), encoding="utf-8")
        click.echo(f"wrote {PAGE}")
    out.mkdir(parents=True, exist_ok=True)
    accounting.write_table_13(out / "table_13.csv")
    for name, figure in drawn(names):
        file = out / f"{name}.svg"
        file.parent.mkdir(parents=True, exist_ok=True)
        save_figure(figure, file)
        click.echo(f"drew {file}")
    mapping_problem.draw_figure(mapping_problem.read_table(mapping_problem.TRAINED), out)
    click.echo(f"drew {out}/mapping_problem_*.svg")


if __name__ == "__main__":
    main()
