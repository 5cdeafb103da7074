"""`python -m experiments.hold_outs.limit_form`: which coefficients the runs identify, by form.

Writes limit_form.md: fits of four forms of the distillation law to the bundled runs and to these
with the students of `experiments/predictions`, and the errors of the forms on hold-outs.
"""

import math
from pathlib import Path
from typing import NamedTuple

import click

from experiments.beyond_eq8.rivals import rival
from experiments.hold_outs.__main__ import COLUMNS, Simpler, measures
from experiments.hold_outs.parts import Part, bundled, published
from experiments.predictions.__main__ import RESULTS
from experiments.runlab import table
from experiments.runlab.__main__ import TABLE as BUNDLED
from fitting import FitResult, Runs, fit, hold_out, markdown_table
from jaxlaws.laws.distillation_exponential import DistillationExponential
from jaxlaws.laws.distillation_limit import DistillationLimit
from jaxlaws.laws.supervised import Supervised

# The limit for a gamma without end if both exponents go to zero: a power of the size times a power
# of the tokens. B and gamma have no meaning in it.
PRODUCT = rival("Product", lambda _, t: t.teacher + t.mimicry * t.bracket * t.of_size * t.of_tokens)
FORMS = {
    "power of the sum": Simpler(DistillationLimit, {}),
    "power of the sum, gamma 1": Simpler(DistillationLimit, {"gamma": 1.0}),
    "exponential": Simpler(DistillationExponential, {}),
    "product of powers": Simpler(PRODUCT, {"B": 1.0, "gamma": 1.0}),
}
FIT_COLUMNS = ["form", "fitted to", "objective x 1e4", "status", "draws that converge"]
COEFFICIENTS = ("A", "alpha", "B", "beta", "gamma", "c0", "kappa", "f1")


class Fitted(NamedTuple):
    """A form and its fit to one table."""

    form: str
    title: str
    result: FitResult


def fits(draws: int, starts: int) -> list[Fitted]:
    """Fit each form to the bundled runs, and to all runs."""
    found = []
    for title, paths in {"bundled": (BUNDLED,), "all": (BUNDLED, RESULTS)}.items():
        alone, taught = (table.runs(kind, *paths) for kind in ("supervised", "distilled"))
        found += fits_of_forms(title, alone, taught, draws, starts)
    return found


def fits_of_forms(title: str, alone: Runs, taught: Runs, draws: int, starts: int) -> list[Fitted]:
    """Fit each form to students, with the supervised law fitted to the runs without a teacher."""
    supervised = fit(Supervised, alone, num_starts=starts, bootstrap=draws)
    return [
        Fitted(
            form,
            f"{title} ({len(taught)})",
            fit(
                law_type,
                taught,
                freeze=freeze | {"supervised": supervised},
                num_starts=starts,
                bootstrap=draws,
            ),
        )
        for form, (law_type, freeze) in FORMS.items()
    ]


def fit_rows(found: list[Fitted], draws: int) -> list[list[str]]:
    """A line for each fit: its objective, its status, and the draws of its bootstrap."""
    lines = []
    for form, title, result in found:
        converged = len(result.usable_ensemble().c0) / draws
        numbers = [f"{1e4 * result.objective:.4f}", result.status.name, f"{converged:.0%}"]
        lines.append([form, title, *numbers])
    return lines


def coefficient_table(found: list[Fitted]) -> str:
    """A line for each coefficient: its value and the decades that its 90% interval spans."""
    lines = []
    for name in COEFFICIENTS:
        line = [name]
        for _, _, result in found:
            if not hasattr(result.law, name) or name in result.frozen:
                line.append("")
                continue
            low, high = (float(getattr(end, name)) for end in result.interval())
            decades = math.log10(high / low) if low > 0 else math.inf
            line.append(f"{float(getattr(result.law, name)):.4g} ({decades:.1f})")
        lines.append(line)
    titles = [f"{each.form}, {each.title}" for each in found]
    return markdown_table(["coefficient", *titles], lines)


def further(starts: int) -> Part:
    """The students of the predictions, predicted from the bundled runs alone."""
    runs = table.runs("distilled", BUNDLED, RESULTS)
    unseen = runs.others["sweep"] == "predictions"
    supervised = fit(Supervised, table.runs("supervised", BUNDLED), num_starts=starts).law
    title = f"students of the predictions ({unseen.sum()})"
    return Part("further", title, runs, unseen, supervised)


def hold_out_rows(parts: list[Part], starts: int) -> list[list[str]]:
    """A line for each hold-out and form."""
    lines = []
    for part in parts:
        for form, (law_type, freeze) in FORMS.items():
            held = hold_out(
                law_type,
                part.runs,
                part.unseen,
                freeze=freeze | {"supervised": part.supervised},
                num_starts=starts,
                against={},
            )
            lines.append([part.title, form, *measures(held.errors["law"])])
    return lines


@click.command()
@click.option("--data", type=click.Path(exists=True), help="CSV file of the points of Fig. 1.")
@click.option("--draws", default=48, show_default=True, help="Of the bootstrap.")
@click.option("--starts", default=8, show_default=True, help="Number of starts of each fit.")
def main(data: str | None, draws: int, starts: int) -> None:
    """Compare the forms, and write limit_form.md."""
    found = fits(draws, starts)
    parts = [*bundled(starts), further(starts), *(published(data) if data else [])]
    text = [
        "# Forms of the distillation law: what the runs identify",
        "`python -m experiments.hold_outs.limit_form --data busbridge_figure1_points.csv` writes "
        "this page.",
        "## Fits",
        markdown_table(FIT_COLUMNS, fit_rows(found, draws)),
        "## Coefficients, and the decades of their 90% intervals",
        coefficient_table(found),
        "## Hold-outs",
        markdown_table(COLUMNS, hold_out_rows(parts, starts)),
    ]
    page = Path(__file__).with_suffix(".md")
    page.write_text("\n\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
