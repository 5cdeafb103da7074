"""Decisions: set the two sides, training alone and distilling, against each other.

This room may import `supervised`, `distillation`, `analysis`, `engine` and `solver`.
"""
