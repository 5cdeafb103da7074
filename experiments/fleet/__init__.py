"""A fleet of products with one teacher: the planner inside a larger plan that Optax solves."""
