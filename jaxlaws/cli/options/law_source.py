"""The law that a command works with, and where it comes from."""

import copy
from pathlib import Path
from typing import Any

import click


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


def _alike(ensemble: Any) -> bool:
    """Whether the draws of a batched law are all the same."""
    import jax
    import numpy as np

    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(ensemble)]
    return bool(leaves) and all(np.all(leaf == leaf[:1]) for leaf in leaves)
