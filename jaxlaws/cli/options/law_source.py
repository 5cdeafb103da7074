"""The law that a command works with, and what is known of the law's fit."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jaxlaws.foundations.annotations import Array, Json, Tree

if TYPE_CHECKING:
    from fitting import FitResult
    from jaxlaws.foundations.law import Law


_NOT_CHOSEN = (
    "No --law is given, so this is the preset {}, fitted to other data with another tokenizer than "
    "yours. Its comparisons may carry over to your runs, its losses do not; --law FILE plans with "
    "a fit to your runs"
)


class Source:
    """A law named on the command line, with what its file or preset contains.

    Args:
        name: of a preset, or a path.
        is_chosen: whether the user named the law; else it has a caveat.

    Attributes:
        name: the name of the preset, or the path of the file.
        law: the law.
        fitted_range: lowest and highest value of each input among the fitted runs; empty where
            it is not known.
        ensemble: a batched law of bootstrap draws, or None.
        counts: what N counts, where known.
        loss_unit: the unit of the loss in short, such as "nats" (per token); empty if not known.
        caveats: what the runs of the fit do not determine, a sentence each; of a preset, that the
            user did not choose it.
        open_splits: sizes that the runs of the fit do not separate from the tokens, with the
            tokens per parameter of these runs.
        roll_out: the errors of a roll-out, as `RollOut.to_json` gives them; empty where there is
            none.
        fit: the fit, or None for a law without one.
    """

    law: "Law"
    fitted_range: Mapping[str, tuple[float, float]]

    def __init__(self, name: str, *, is_chosen: bool = True) -> None:
        from jaxlaws import presets, saving

        self._start(name)
        if not is_chosen:
            self.caveats = (_NOT_CHOSEN.format(name),)
        if name in presets.names():
            preset = presets.describe(name)
            self.law, self.counts = preset.law, preset.counts
            self.loss_unit = preset.loss_unit.replace("nats per token", "nats").replace(
                " per ", "/"
            )
            self.fitted_range = preset.fitted_range or {}
            self.ensemble = presets.ensemble(name) if preset.draws else None
        elif Path(name).exists():
            self.law = saving.load(name)
            if "fit" in saving.read_json(name):
                from fitting import FitResult

                self._take_fit(FitResult.load(name))
        elif Path(name).suffix or "/" in name:
            raise FileNotFoundError(f"no file {name!r}, and no preset has this name")
        else:
            presets.describe(name)  # raises an error that names similar presets

    def _start(self, name: str) -> None:
        self.name = name
        self.fitted_range = {}
        self.ensemble: Tree | None = None
        self.counts: str | None = None
        self.loss_unit = ""
        self.caveats: tuple[str, ...] = ()
        self.open_splits: Mapping[str, float] = {}
        self.roll_out: Mapping[str, Json] = {}
        self.fit: FitResult | None = None
        self._supervised_roll_out: Mapping[str, Json] = {}

    @classmethod
    def of_fit(cls, result: "FitResult", name: str) -> "Source":
        """The law of a fit that is in no file.

        Args:
            result: the fit.
            name: the name to show.
        """
        source = cls.__new__(cls)
        source._start(name)
        source.law = result.law
        source._take_fit(result)
        return source

    def _take_fit(self, result: "FitResult") -> None:
        from fitting import caveats_of
        from fitting.uncertainty.caveats import open_splits
        from jaxlaws.foundations.law import outcome_of, outcomes_of

        self.caveats, self.open_splits = caveats_of(result), open_splits(result)
        self.roll_out, self.fit = result.roll_out, result
        if outcome_of(result.law) is None and not outcomes_of(result.law):
            self.loss_unit = "nats"  # into which a table in another unit is converted
        if "supervised" in result.stages:
            self._supervised_roll_out = result.stages["supervised"].roll_out
        fits = [*result.stages.values(), result]
        self.fitted_range = {name: ends for fit in fits for name, ends in fit.fitted_range.items()}
        if result.ensemble is not None:
            self.ensemble = result.usable_ensemble()

    @property
    def supervised_is_constant(self) -> bool:
        """Whether all draws share one supervised law, so that its uncertainty is not in them."""
        import jax
        import numpy as np

        leaves = jax.tree.leaves(getattr(self.ensemble, "supervised", None))
        return bool(leaves) and all(np.all(np.asarray(leaf) == leaf[:1]) for leaf in leaves)

    def decades(self, plan: Tree) -> Array:
        """How far each entry of a plan lies outside the fitted range, in decades."""
        import numpy as np

        from jaxlaws.planning import extrapolation_decades

        return np.broadcast_to(extrapolation_decades(plan, self.fitted_range), np.shape(plan.loss))

    def farthest(self, plan: Tree, *others: Tree, where: Sequence[Array] = ()) -> str | None:
        """The input of some plans that is farthest outside the fitted range, if one is.

        Args:
            plan: a plan, or a mapping of inputs by name.
            *others: further plans.
            where: which entries of each plan count; all by default.
        """
        import numpy as np

        from jaxlaws.planning.analysis.extrapolation import farthest_input, judged_inputs

        values: dict[str, list[np.ndarray]] = {}
        plans = (plan, *others)
        for each, mask in zip(plans, where or [True] * len(plans), strict=True):
            for name, value in judged_inputs(each).items():
                values.setdefault(name, []).append(np.where(mask, value, np.nan).ravel())
        joined = {name: np.concatenate(arrays) for name, arrays in values.items()}
        return farthest_input(joined, self.fitted_range)

    def with_draws(self, most: int) -> "Source":
        """The same with at most this number of draws."""
        import jax

        other = copy.copy(self)
        other.ensemble = jax.tree.map(lambda leaf: leaf[:most], self.ensemble)  # None stays None
        return other

    def for_supervised_runs(self) -> "Source":
        """The same with the supervised law of a distillation law, and the draws of that law."""
        supervised = getattr(self.law, "supervised", None)
        if supervised is None:
            return self
        other = copy.copy(self)
        other.law, other.ensemble = supervised, None
        other.roll_out = self._supervised_roll_out
        if self.ensemble is not None and not self.supervised_is_constant:
            other.ensemble = self.ensemble.supervised
        return other
