"""`python -m experiments.paper`: write `docs/claims.md` and draw the paper's figures."""

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from experiments.paper import law_pictures, plan_pictures
from experiments.paper.claims import CLAIMS
from experiments.paper.rules import RULES
from fitting import markdown_table
from jaxlaws import presets
from jaxlaws.figures.style import save_figure
from jaxlaws.foundations.annotations import Tree
from jaxlaws.foundations.text.escaping import Markup

PAGE = Path(__file__).resolve().parents[2] / "docs" / "claims.md"
PRESETS = ("busbridge2025", "busbridge2025_consistent", "busbridge2025_refit")
_HEAD = """# What the paper says, and what its law gives

`python -m experiments.paper` computes every number on this page. The planner evaluates the paper's
claims with numbers, and some rules of thumb, with three presets: the coefficients as printed, the
same coefficients with B' a hundred times the printed value, and our fit to the points of the
paper's Fig. 1 (`jaxlaws presets NAME` describes each preset). Losses are in nats per token.

The printed B' does not reproduce what the paper says of its own figures. A hundred times that value
does, except for the largest students at small budgets. The refit is fitted to runs of up to 5e11
tokens. On unlimited data it differs from the paper by 7%, so at large budgets distillation wins
where the paper reports a tie. At large budgets, rely on neither. Sizes above 12.6B and budgets
above 1e22 are outside the range of all training runs.
"""


def table(
    rows: Sequence[tuple[str, Callable[[Tree], str]]], columns: Sequence[str] = PRESETS
) -> str:
    """Return a Markdown table with each claim and the result of each preset."""
    laws = [presets.load(name) for name in columns]
    cells = [[claim, *(answer(law) for law in laws)] for claim, answer in rows]
    return markdown_table(["", *(Markup(f"`{name}`") for name in columns)], cells)


def page() -> str:
    """Return the text of the page, with all numbers computed."""
    return f"{_HEAD}\n## Claims\n\n{table(CLAIMS)}\n\n## Rules of thumb\n\n{table(RULES)}\n"


@click.command()
@click.option(
    "--law", default="busbridge2025_consistent", show_default=True, help="Preset for the figures."
)
@click.option("-o", "--out", default="out/paper", type=click.Path(path_type=Path))
@click.option("--pictures-only", is_flag=True, help="Draw the figures only; do not write the page.")
def main(law: str, out: Path, pictures_only: bool) -> None:
    """Compute the claims, write the page, and draw the figures that follow from a law."""
    if not pictures_only:
        PAGE.write_text(page(), encoding="utf-8")
        click.echo(f"wrote {PAGE}")
    out.mkdir(parents=True, exist_ok=True)
    drawn = law_pictures.PICTURES | plan_pictures.PICTURES
    for name, picture in drawn.items():
        save_figure(picture(presets.load(law)), out / f"{name}.svg")
    click.echo(f"drew {len(drawn)} figures in {out}")


if __name__ == "__main__":
    main()
