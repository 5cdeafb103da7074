"""What verbs have in common: quantities, sweeps, laws, and the settings of FLOPs."""

import copy
from pathlib import Path
from typing import Any

import click

from jaxlaws.quantities import parse_quantity


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
law_option = click.option(
    "--law",
    "law_name",
    metavar="PRESET|FILE",
    default="busbridge2025_refit",
    show_default=True,
    help="A preset's name, or the file of a saved law or fit.",
)
flops_model_option = click.option(
    "--flops-model",
    type=click.Choice(["2n", "transformer"]),
    default="2n",
    show_default=True,
    help="Forward FLOPs per token: 2N, or the paper's F(N) with attention and output layer.",
)


class Source:
    """A law named on the command line, with what its file or preset says of it.

    Attributes:
        law: the law.
        fitted_range: lowest and highest value of each input among the fitted runs, or None.
        ensemble: a batched law of bootstrap draws, or None.
        counts: what N counts, where known.
    """

    def __init__(self, name: str) -> None:
        from jaxlaws import presets, saving

        self.name = name
        self.ensemble: Any = None
        self.counts: str | None = None
        if name in presets.names():
            preset = presets.describe(name)
            self.law, self.fitted_range = preset.law, preset.fitted_range
            self.counts = preset.counts
            self.ensemble = presets.ensemble(name) if preset.draws else None
        elif Path(name).exists():
            document = saving.read_json(name)
            self.law, self.fitted_range = saving.load(name), None
            if "fit" in document:
                from fitting import FitResult

                result = FitResult.load(name)
                stages = [stage.fitted_range for stage in result.stages.values()]
                self.fitted_range = {
                    name: ends
                    for known in (*stages, result.fitted_range)
                    for name, ends in known.items()
                }
                if result.ensemble is not None:
                    self.ensemble = result.usable_ensemble()
        elif Path(name).suffix or "/" in name:
            raise FileNotFoundError(f"no file {name!r}, and no preset of that name")
        else:
            presets.describe(name)  # says what is near

    @property
    def holds_supervised(self) -> bool:
        """Whether the draws all have one supervised law: its uncertainty is then not in them."""
        return self.ensemble is not None and _alike(getattr(self.ensemble, "supervised", None))

    def decades(self, plan: Any) -> Any:
        """How far each entry of a plan lies outside the fitted range, of the shape of its loss."""
        import numpy as np

        from jaxlaws.planning import extrapolation_decades

        outside = extrapolation_decades(plan, self.fitted_range or {})
        return np.broadcast_to(outside, np.shape(plan.loss))

    def for_supervised_runs(self) -> "Source":
        """The same with a distillation law's supervised law in its place, and that one's draws."""
        if not hasattr(self.law, "supervised"):
            return self
        other = copy.copy(self)
        other.law = self.law.supervised
        other.ensemble = None
        if self.ensemble is not None and not self.holds_supervised:
            other.ensemble = self.ensemble.supervised
        return other


def _alike(ensemble: Any) -> bool:
    """Whether the draws of a batched law are all the same."""
    import jax
    import numpy as np

    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(ensemble)]
    return bool(leaves) and all(np.all(leaf == leaf[:1]) for leaf in leaves)


def forward_flops(model: str, source: Source) -> Any:
    """The function that `--flops-model` names; a law that it does not suit is warned about."""
    from jaxlaws import compute

    if model == "2n":
        return compute.dense_forward_flops
    if source.counts == "all parameters":
        click.echo(
            f"Warning: the N of {source.name} counts embeddings; the transformer's F(N) takes "
            "parameters without them, and adds the output layer itself",
            err=True,
        )
    return compute.transformer_forward_flops
