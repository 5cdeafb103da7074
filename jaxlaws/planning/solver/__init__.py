"""The solver: batched, differentiable minimisation and root finding.

The solver knows no law, no FLOPs and no budget. It imports no other room.
"""

from jaxlaws.planning.solver.minimiser import Solution, minimise
from jaxlaws.planning.solver.problem import Problem, Reduction

__all__ = ["Problem", "Reduction", "Solution", "minimise"]
