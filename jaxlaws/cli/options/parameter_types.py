"""What verbs have in common: quantities, sweeps, laws, and the settings of FLOPs."""

from collections.abc import Callable
from typing import Any

import click

from jaxlaws.cli.options.law_modules import law_module_option
from jaxlaws.foundations.quantities import parse_quantity


class Quantity(click.ParamType):
    """A positive number such as 1e22, 3.5e9, 1B or 20T; 0 too where `zero` allows it."""

    name = "quantity"

    def __init__(self, *, zero: bool = False) -> None:
        self.zero = zero

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse what was typed."""
        if isinstance(value, float):
            return value
        try:
            number = parse_quantity(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if number < 0 or (number == 0 and not self.zero):
            self.fail(f"{value!r} must be above zero", param, ctx)
        return number


class Sweep(Quantity):
    """A quantity, or low:high:count for a sweep evenly spaced in logs."""

    name = "quantity|low:high:count"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse what was typed: a float, or a NumPy array for a sweep."""
        if not isinstance(value, str) or ":" not in value:
            return super().convert(value, param, ctx)
        import numpy as np

        parts = value.split(":")
        if len(parts) != 3 or not parts[2].isdigit() or int(parts[2]) < 2:
            self.fail(
                f"{value!r} is no sweep: write low:high:count, such as 1e19:1e26:8", param, ctx
            )
        low, high = (super(Sweep, self).convert(part, param, ctx) for part in parts[:2])
        if not low < high:
            self.fail(f"{value!r}: the sweep must rise", param, ctx)
        return np.geomspace(low, high, int(parts[2]))


class SweepOrList(Sweep):
    """A quantity, a sweep, or several quantities with commas between them: then a tuple."""

    name = "quantity|low:high:count|a,b,c"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse what was typed."""
        if not isinstance(value, str) or "," not in value:
            return super().convert(value, param, ctx)
        if ":" in value:
            self.fail(f"{value!r}: give a list or a sweep, not both", param, ctx)
        return tuple(
            super(SweepOrList, self).convert(part, param, ctx) for part in value.split(",")
        )


QUANTITY = Quantity()
SWEEP = Sweep()

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_law_option = click.option(
    "--law",
    "law_name",
    metavar="PRESET|FILE",
    default="busbridge2025_refit",
    show_default=True,
    help="A preset's name, or the file of a saved law or fit.",
)


def law_option(verb: Callable[..., None]) -> Callable[..., None]:
    """The options for a law: a preset or a file, and the modules of laws of the user's own."""
    return _law_option(law_module_option(verb))


flops_model_option = click.option(
    "--flops-model",
    type=click.Choice(["2n", "transformer"]),
    default="2n",
    show_default=True,
    help="Forward FLOPs per token: 2N, or the paper's F(N) with attention and output layer.",
)
