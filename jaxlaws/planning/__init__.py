"""Plans: what to train, on how much, or from which teacher, with a given budget."""

from jaxlaws.planning.allocation import compute_optimal
from jaxlaws.planning.any_size import distill_any_size
from jaxlaws.planning.best_teacher import optimal_teacher_loss
from jaxlaws.planning.catalogue import pick_teacher
from jaxlaws.planning.comparison import Comparison, Winner, compare
from jaxlaws.planning.crossing import Crossings, Method, crossover
from jaxlaws.planning.data_limited import train_on_limited_data
from jaxlaws.planning.distillation import distill
from jaxlaws.planning.documents import plan_to_dict
from jaxlaws.planning.effective_compute import EffectiveCompute, compute_multiplier
from jaxlaws.planning.existing_teacher import distill_with
from jaxlaws.planning.extrapolation import extrapolation_decades
from jaxlaws.planning.family import distill_family
from jaxlaws.planning.fixed_size import train_fixed
from jaxlaws.planning.frontier import serving_frontier
from jaxlaws.planning.inverse import flops_to_reach
from jaxlaws.planning.leeway import near_optimal
from jaxlaws.planning.limits import Limit
from jaxlaws.planning.mixture import Mixture
from jaxlaws.planning.prices import Hardware, serve_for_money
from jaxlaws.planning.ratios import distillation_ratios
from jaxlaws.planning.scenarios import (
    FREE_TEACHER,
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING,
    TEACHER_PRETRAINING_AND_INFERENCE,
    Scenario,
)
from jaxlaws.planning.serving import serve
from jaxlaws.planning.shapes import build_optimal
from jaxlaws.planning.sharing import students_to_share
from jaxlaws.planning.smaller import smaller_model
from jaxlaws.planning.status import Status
from jaxlaws.planning.teacher_quality import judge_teacher

__all__ = [
    "FREE_TEACHER",
    "TEACHER_INFERENCE",
    "TEACHER_PRETRAINING",
    "TEACHER_PRETRAINING_AND_INFERENCE",
    "Comparison",
    "Crossings",
    "EffectiveCompute",
    "Hardware",
    "Limit",
    "Method",
    "Mixture",
    "Scenario",
    "Status",
    "Winner",
    "build_optimal",
    "compare",
    "compute_multiplier",
    "compute_optimal",
    "crossover",
    "distill",
    "distill_any_size",
    "distill_family",
    "distill_with",
    "distillation_ratios",
    "extrapolation_decades",
    "flops_to_reach",
    "judge_teacher",
    "near_optimal",
    "optimal_teacher_loss",
    "pick_teacher",
    "plan_to_dict",
    "serve",
    "serve_for_money",
    "serving_frontier",
    "smaller_model",
    "students_to_share",
    "train_fixed",
    "train_on_limited_data",
]
