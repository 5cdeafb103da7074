"""Analysis of a question: its inverse, near-optimal ranges, draws, distance from the fitted runs.

This room may import `engine` and `solver`.
"""
