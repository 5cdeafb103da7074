"""Plans: what to train, on how many tokens, or from which teacher, within a budget.

This is the public face. The rooms, from the top down, are `decisions`, `large_sweeps` and
`wall_clock`, `supervised` and `distillation`, `analysis`, `engine`, `solver`; a room imports only
rooms below it.
"""

from jaxlaws.planning.analysis.division import on_devices
from jaxlaws.planning.analysis.ensembles import loss_under, num_draws, over_draws, regret
from jaxlaws.planning.analysis.extrapolation import extrapolation_decades
from jaxlaws.planning.analysis.inverse import flops_to_reach
from jaxlaws.planning.analysis.near_optimal import NearOptimalRange, near_optimal_range
from jaxlaws.planning.analysis.plan_roots import root_of
from jaxlaws.planning.decisions.break_even import break_even_students
from jaxlaws.planning.decisions.comparison import Comparison, Winner, compare
from jaxlaws.planning.decisions.crossover_budgets import Crossings, Method, crossover
from jaxlaws.planning.decisions.effective_compute import ComputeMultiplier, compute_multiplier
from jaxlaws.planning.decisions.pareto_frontier import Frontier, serving_frontier
from jaxlaws.planning.decisions.relative_costs import Ratios, relative_cost
from jaxlaws.planning.decisions.teacher_catalogue import TeacherChoice, rank_teachers
from jaxlaws.planning.distillation.distilled_student import distill
from jaxlaws.planning.distillation.existing_teacher import distill_with
from jaxlaws.planning.distillation.optimal_teacher import optimal_teacher_loss
from jaxlaws.planning.distillation.student_family import distill_family
from jaxlaws.planning.distillation.student_family_plan import FamilyPlan
from jaxlaws.planning.distillation.teacher_quality import TeacherQuality, assess_teacher
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, distillation_law, supervised_law
from jaxlaws.planning.engine.costs import Costs, Hardware
from jaxlaws.planning.engine.evaluation import Question, ask
from jaxlaws.planning.engine.limits import Limit, constraints_of
from jaxlaws.planning.engine.mixture import Mixture
from jaxlaws.planning.engine.planner import Planner
from jaxlaws.planning.engine.plans import (
    DistillationPlan,
    SupervisedPlan,
    TeacherLossPlan,
    status_of,
    where_possible,
)
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.engine.scenarios import (
    FREE_TEACHER,
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING,
    TEACHER_PRETRAINING_AND_INFERENCE,
    Scenario,
)
from jaxlaws.planning.engine.status import Status, is_solved, search_failed
from jaxlaws.planning.large_sweeps.axes import LogSpaced
from jaxlaws.planning.large_sweeps.data_set import WrittenParts, write_plans
from jaxlaws.planning.plan_dict import plan_to_dict
from jaxlaws.planning.solver import Problem, Reduction, Solution, minimise
from jaxlaws.planning.supervised.allocation import compute_optimal
from jaxlaws.planning.supervised.data_constrained import LimitedDataPlan, train_on_limited_data
from jaxlaws.planning.supervised.data_mixture import DataMixturePlan, optimal_data_mixture
from jaxlaws.planning.supervised.fixed_size import train_fixed
from jaxlaws.planning.supervised.hyperparameters import HyperparameterPlan, optimal_hyperparameters
from jaxlaws.planning.supervised.inverse_allocation import optimal_budget
from jaxlaws.planning.supervised.model_shapes import BuiltPlan, optimal_shape
from jaxlaws.planning.supervised.overtraining import SmallerModel, overtraining_cost
from jaxlaws.planning.supervised.parallel_streams import StreamsPlan, serve_in_streams
from jaxlaws.planning.supervised.serving import serve
from jaxlaws.planning.wall_clock.cluster import Cluster, decoding_hardware
from jaxlaws.planning.wall_clock.stored_logits import StoredLogits
from jaxlaws.precision import Precision

__all__ = [
    "DEFAULT_BOUNDS",
    "FREE_TEACHER",
    "TEACHER_INFERENCE",
    "TEACHER_PRETRAINING",
    "TEACHER_PRETRAINING_AND_INFERENCE",
    "Bounds",
    "BuiltPlan",
    "Cluster",
    "Comparison",
    "ComputeMultiplier",
    "Costs",
    "Crossings",
    "DataMixturePlan",
    "DistillationPlan",
    "FamilyPlan",
    "Frontier",
    "Hardware",
    "HyperparameterPlan",
    "Limit",
    "LimitedDataPlan",
    "LogSpaced",
    "Method",
    "Mixture",
    "NearOptimalRange",
    "Planner",
    "Precision",
    "Problem",
    "Question",
    "Ratios",
    "Record",
    "Reduction",
    "Scenario",
    "SmallerModel",
    "Solution",
    "Status",
    "StoredLogits",
    "StreamsPlan",
    "SupervisedPlan",
    "TeacherChoice",
    "TeacherLossPlan",
    "TeacherQuality",
    "Winner",
    "WrittenParts",
    "ask",
    "assess_teacher",
    "break_even_students",
    "compare",
    "compute_multiplier",
    "compute_optimal",
    "constraints_of",
    "crossover",
    "decoding_hardware",
    "distill",
    "distill_family",
    "distill_with",
    "distillation_law",
    "extrapolation_decades",
    "flops_to_reach",
    "is_solved",
    "loss_under",
    "minimise",
    "near_optimal_range",
    "num_draws",
    "on_devices",
    "optimal_budget",
    "optimal_data_mixture",
    "optimal_hyperparameters",
    "optimal_shape",
    "optimal_teacher_loss",
    "over_draws",
    "overtraining_cost",
    "plan_to_dict",
    "rank_teachers",
    "regret",
    "relative_cost",
    "root_of",
    "search_failed",
    "serve",
    "serve_in_streams",
    "serving_frontier",
    "status_of",
    "supervised_law",
    "train_fixed",
    "train_on_limited_data",
    "where_possible",
    "write_plans",
]
