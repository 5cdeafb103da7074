"""`python -m experiments.paper`: write `docs/claims.md` anew, and draw the paper's figures."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from experiments.paper import law_pictures, plan_pictures
from experiments.paper.claims import CLAIMS
from experiments.paper.rules import RULES
from fitting.reporting.markdown import markdown_table
from jaxlaws import presets

PAGE = Path(__file__).resolve().parents[2] / "docs" / "claims.md"
PRESETS = ("busbridge2025", "busbridge2025_consistent", "busbridge2025_refit")
_HEAD = """# What the paper says, and what its law gives

Made by `python -m experiments.paper`: nothing here is typed in. The paper's claims with numbers,
and some rules of thumb that follow it, are asked of the planner with three presets: the
coefficients as printed, those with B' a hundred times the printed one, and our fit to the points of
the paper's Fig. 1 (`jaxlaws presets NAME` tells of each). Losses are in nats per token.

The printed B' does not give what the paper says of its own figures; a hundred times that does, but
for the largest students at small budgets. The refit knows runs of up to 5e11 tokens. What is said
of unlimited data it misses by 7%, and so it sees distillation win at large budgets where the paper
sees a tie: there, trust neither. Sizes beyond 12.6B and budgets beyond 1e22 lie outside all that
was trained.
"""


def table(
    rows: Sequence[tuple[str, Callable[[Any], str]]], columns: Sequence[str] = PRESETS
) -> str:
    """Each claim, and what each preset gives."""
    laws = [presets.load(name) for name in columns]
    cells = [[claim, *(answer(law) for law in laws)] for claim, answer in rows]
    return markdown_table(["", *(f"`{name}`" for name in columns)], cells)


def page() -> str:
    """The page, computed."""
    return f"{_HEAD}\n## Claims\n\n{table(CLAIMS)}\n\n## Rules of thumb\n\n{table(RULES)}\n"


@click.command()
@click.option("--law", default="busbridge2025_consistent", show_default=True, help="A preset.")
@click.option("-o", "--out", default="out/paper", type=click.Path(path_type=Path))
@click.option("--pictures-only", is_flag=True, help="Leave the page as it is.")
def main(law: str, out: Path, pictures_only: bool) -> None:
    """Ask the planner, write the page, and draw the figures that follow from LAW."""
    if not pictures_only:
        PAGE.write_text(page(), encoding="utf-8")
        click.echo(f"wrote {PAGE}")
    out.mkdir(parents=True, exist_ok=True)
    drawn = law_pictures.PICTURES | plan_pictures.PICTURES
    for name, picture in drawn.items():
        picture(presets.load(law)).savefig(out / f"{name}.svg")
    click.echo(f"drew {len(drawn)} pictures in {out}")


if __name__ == "__main__":
    main()
