"""Plans: what to train, on how much, or from which teacher, with a given budget."""

from jaxlaws.planning.analysis.extrapolation import extrapolation_decades
from jaxlaws.planning.analysis.inverse import flops_to_reach
from jaxlaws.planning.analysis.near_optimal import near_optimal_range
from jaxlaws.planning.decisions.break_even import break_even_students
from jaxlaws.planning.decisions.comparison import Comparison, Winner, compare
from jaxlaws.planning.decisions.crossover_budgets import Crossings, Method, crossover
from jaxlaws.planning.decisions.effective_compute import ComputeMultiplier, compute_multiplier
from jaxlaws.planning.decisions.pareto_frontier import serving_frontier
from jaxlaws.planning.decisions.relative_costs import relative_cost
from jaxlaws.planning.decisions.teacher_catalogue import rank_teachers
from jaxlaws.planning.distillation.any_student_size import distill_any_size
from jaxlaws.planning.distillation.existing_teacher import distill_with
from jaxlaws.planning.distillation.optimal_teacher import optimal_teacher_loss
from jaxlaws.planning.distillation.student_and_teacher import distill
from jaxlaws.planning.distillation.student_family import distill_family
from jaxlaws.planning.distillation.teacher_quality import assess_teacher
from jaxlaws.planning.engine.limits import Limit
from jaxlaws.planning.engine.mixture import Mixture
from jaxlaws.planning.engine.scenarios import (
    FREE_TEACHER,
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING,
    TEACHER_PRETRAINING_AND_INFERENCE,
    Scenario,
)
from jaxlaws.planning.engine.status import Status
from jaxlaws.planning.plan_dict import plan_to_dict
from jaxlaws.planning.supervised.allocation import compute_optimal
from jaxlaws.planning.supervised.data_constrained import train_on_limited_data
from jaxlaws.planning.supervised.fixed_size import train_fixed
from jaxlaws.planning.supervised.model_shapes import optimal_shape
from jaxlaws.planning.supervised.overtraining import overtraining_cost
from jaxlaws.planning.supervised.serving import serve
from jaxlaws.planning.supervised.serving_cost import Hardware, serve_for_money

__all__ = [
    "FREE_TEACHER",
    "TEACHER_INFERENCE",
    "TEACHER_PRETRAINING",
    "TEACHER_PRETRAINING_AND_INFERENCE",
    "Comparison",
    "ComputeMultiplier",
    "Crossings",
    "Hardware",
    "Limit",
    "Method",
    "Mixture",
    "Scenario",
    "Status",
    "Winner",
    "assess_teacher",
    "break_even_students",
    "compare",
    "compute_multiplier",
    "compute_optimal",
    "crossover",
    "distill",
    "distill_any_size",
    "distill_family",
    "distill_with",
    "extrapolation_decades",
    "flops_to_reach",
    "near_optimal_range",
    "optimal_shape",
    "optimal_teacher_loss",
    "overtraining_cost",
    "plan_to_dict",
    "rank_teachers",
    "relative_cost",
    "serve",
    "serve_for_money",
    "serving_frontier",
    "train_fixed",
    "train_on_limited_data",
]
