"""What a report is about: a law, its fits, and the budgets that it plans for."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fitting.reporting.data_sections import FitSource
from jaxlaws import planning
from jaxlaws.cli.answers.pipeline import find
from jaxlaws.cli.answers.plans.comparison import Strategies
from jaxlaws.cli.answers.plans.size_and_tokens import SizeAndTokens
from jaxlaws.cli.answers.presentation import Answered
from jaxlaws.cli.answers.refining import denser, refined
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.options.plan_options import SCENARIOS, ScenarioName, scenario_of
from jaxlaws.foundations.annotations import Array, Tree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NUM_DRAWS = 100  # of the fit, for decisions in four scenarios
NUM_BAND_DRAWS = 40  # for bands, which need a plan for each budget and scenario
_BUDGETS = np.logspace(-1.5, 1.5, 13)  # of the pictures, relative to the budget of the answer


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Subject:
    """What a report is about.

    Attributes:
        title: of the report.
        introduction: sentences below the title, in Markdown; may be empty.
        source: the law to plan with.
        fits: the fits behind it, with their runs; empty for a published law.
        flops: the budget; None for the largest compute of the fitted runs.
        sweep: increasing budgets in place of one budget, or None.
        num_student_params: the size of the student; None for the largest fitted student.
        num_inference_tokens: tokens that each model serves.
        commands: shell lines that give the same report.
        saved: a saved plan, sweep or comparison; the report is then about it, and `flops` and
            `num_student_params` are those of a comparison.
    """

    title: str
    source: Source
    introduction: str = ""
    fits: Sequence[FitSource] = ()
    flops: float | None = None
    sweep: Array | None = None
    num_student_params: float | None = None
    num_inference_tokens: float = 0.0
    commands: Sequence[str] = ()
    saved: Answered | None = None

    @property
    def unit(self) -> str:
        """The unit of the loss."""
        return self.source.loss_unit

    @functools.cached_property
    def drawn(self) -> Source:
        """The law with as many draws as decisions use."""
        return self.source.with_draws(NUM_DRAWS)

    @functools.cached_property
    def supervised(self) -> Source:
        """The law of a model without a teacher."""
        return self.source.for_supervised_runs()

    @property
    def may_distil(self) -> bool:
        """Whether the law predicts students of teachers."""
        names = self.source.law.input_names
        return "teacher_loss" in names and hasattr(self.source.law, "supervised")

    @property
    def may_plan(self) -> bool:
        """Whether the law takes size and tokens only, and there is a budget to plan for."""
        names = set(self.supervised.law.input_names)
        return names == {"num_params", "num_tokens"} and self.budgets is not None

    @property
    def is_saved_decision(self) -> bool:
        """Whether the report is about a saved comparison, for one budget, without a teacher."""
        return (
            self.saved is not None
            and isinstance(self.saved.kind, Strategies)
            and not self.saved.swept
            and self.saved.cost is None
            and "num_teacher_params" not in self.saved.inputs
        )

    @functools.cached_property
    def student(self) -> float | None:
        """The size of the student."""
        known = self.source.fitted_range.get("num_student_params", (None, None))[1]
        return self.num_student_params or known

    @functools.cached_property
    def budget(self) -> float | None:
        """The budget of the answer; of a sweep the middle one."""
        if self.sweep is not None:
            return float(self.sweep[len(self.sweep) // 2])
        if self.flops is not None:
            return self.flops
        ranges = self.source.fitted_range
        for size, tokens in (
            ("num_student_params", "num_student_tokens"),
            ("num_params", "num_tokens"),
        ):
            if size in ranges and tokens in ranges:
                return 6 * ranges[size][1] * ranges[tokens][1]
        return None

    @functools.cached_property
    def budgets(self) -> Array | None:
        """The budgets of the pictures."""
        if self.sweep is not None:
            return self.sweep
        return None if self.budget is None else self.budget * _BUDGETS

    @functools.cached_property
    def curve(self) -> Array:
        """The budgets of the pictures and more between them, for smooth curves."""
        return denser(self.budgets)

    @functools.cached_property
    def planned(self) -> Answered:
        """The best model without a teacher for the budget."""
        return self._alone(self.budget)

    @functools.cached_property
    def planned_sweep(self) -> Answered:
        """The best models without a teacher along the budgets of the pictures."""
        return self._alone(self.budgets)

    def _alone(self, flops: Array) -> Answered:
        inputs = {"flops": flops, "num_inference_tokens": self.num_inference_tokens}
        inputs = inputs if self.num_inference_tokens else {"flops": flops}
        kind = SizeAndTokens("compute-optimal training")
        source = _for(flops, self.supervised)  # all draws for one budget, as `plan train` uses
        return find(kind, functools.partial(planning.compute_optimal), inputs, source)

    @functools.cached_property
    def decisions(self) -> Mapping[ScenarioName, Answered]:
        """The decision for the budget in each scenario, by its name."""
        return {name: self._decision(name, self.budget) for name in SCENARIOS}

    @functools.cached_property
    def decision_sweeps(self) -> Mapping[ScenarioName, Answered]:
        """The decisions along the budgets of the curves in each scenario."""
        return {name: self._decision(name, self.curve) for name in SCENARIOS}

    def _decision(self, name: ScenarioName, flops: Array) -> Answered:
        kind = Strategies(f"train, overtrain or distil? Scenario {name}")
        if self.saved is not None:
            planner, keywords = self.saved.question.func, self.saved.question.keywords
            question = functools.partial(planner, **keywords | {"scenario": scenario_of(name)})
            inputs = {**self.saved.inputs, "flops": flops}
            return find(kind, question, inputs, _for(flops, self.drawn))
        settings: dict[str, Tree] = {
            "scenario": scenario_of(name),
            "num_student_params": self.student,
        }
        if self.num_inference_tokens:
            settings["num_inference_tokens"] = self.num_inference_tokens
        question = functools.partial(planning.compare, **settings)
        return find(kind, question, {"flops": flops}, _for(flops, self.drawn))

    def decision_picture(self) -> "Figure":
        """The gain from a teacher along the budgets, a panel for each scenario."""
        from jaxlaws.figures.decisions import gain_by_scenario

        found = self.decision_sweeps
        return gain_by_scenario(
            self.curve,
            {name: each.result for name, each in found.items()},
            draws={name: each.draws for name, each in found.items()},
            decades={name: each.decades for name, each in found.items()},
            budget=None if self.sweep is not None else self.budget,
            unit=self.unit,
        )

    def losses_picture(self) -> "Figure":
        """The loss of each strategy along the budgets, where the teacher costs everything."""
        from jaxlaws.figures.decisions import decision

        found = refined(self.decision_sweeps["full"])
        return decision(
            found.inputs["flops"],
            found.result,
            decades=found.decades,
            budget=None if self.sweep is not None else self.budget,
            unit=self.unit,
        )


def _for(flops: Array, source: Source) -> Source:
    """The law with fewer draws where it plans for many budgets."""
    return source.with_draws(NUM_BAND_DRAWS) if np.ndim(flops) else source
