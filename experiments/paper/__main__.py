"""`python -m experiments.paper`: write `docs/claims.md` and draw the paper's figures."""

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from experiments.paper import law_pictures, plan_pictures
from experiments.paper.claims import CLAIMS, Claim
from experiments.paper.explainer import capacity_gap, gains, own_teacher_loss, worked_example
from experiments.paper.rules import RULES
from fitting import markdown_table
from jaxlaws import presets
from jaxlaws.figures.style import save_figure
from jaxlaws.foundations.annotations import Tree
from jaxlaws.foundations.text.escaping import Markup

PAGE = Path(__file__).resolve().parents[2] / "docs" / "claims.md"
_TEMPLATE = Path(__file__).with_name("claims_page.md")
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
    cells = [
        [
            each.claim,
            each.place,
            each.printed,
            *(each.answer(law) for law in _laws().values()),
            each.verdict,
        ]
        for each in claims
    ]
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
        example=markdown_table(["", "the explainer", *_COLUMNS], worked_example(found)),
        own=own_teacher_loss(),
        gap=markdown_table(gap_heads, capacity_gap(found)),
        gains="; ".join(f"{letter} {gains(law)}" for letter, law in letters),
    )


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
