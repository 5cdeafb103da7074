"""The paper's claims and figures that follow from its law, computed with the planner."""
