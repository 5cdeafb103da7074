"""Plans whose teacher is trained for free: the tokens of that teacher are not a plan."""

import dataclasses
import functools
from collections.abc import Mapping

import jax
import numpy as np

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning import DistillationPlan, FamilyPlan

TOKENS_IN_WORDS = "as many as possible"
_PLANS = (DistillationPlan, FamilyPlan)


def is_trained_for_free(question: functools.partial[Tree], inputs: Mapping[str, Array]) -> bool:
    """Whether the planner chooses a teacher, and its training is free in the scenario."""
    scenario = question.keywords.get("scenario")
    return scenario is not None and not scenario.pretraining and "num_teacher_params" not in inputs


def without_tokens(result: Tree) -> Tree:
    """A result whose distillation plans have NaN for the tokens of the teacher.

    The planner has these tokens on the upper bound of its search.
    """

    def changed(each: Tree) -> Tree:
        if not isinstance(each, _PLANS):
            return each
        nothing = np.full(np.shape(each.num_teacher_tokens), np.nan)
        return dataclasses.replace(each, num_teacher_tokens=nothing)

    return jax.tree.map(changed, result, is_leaf=lambda each: isinstance(each, _PLANS))


def in_words(result: Tree) -> list[str]:
    """A sentence on the teacher of a plan, or of the distillation in a comparison."""
    plan = getattr(result, "options", {}).get("distil", result)
    if not isinstance(plan, _PLANS):
        return []
    losses = ""
    if np.ndim(plan.loss) == 0:
        losses = f": loss of the teacher {plan.teacher_loss:.4f}, of the student {plan.loss:.4f}"
    return [
        "The training of the teacher is free, so the teacher may be as good as tokens can make it"
        f"{losses}. Its tokens are not a plan: choose an existing teacher with --teachers"
    ]
