"""What the paper says that follows from its law, asked of the planner."""
