"""Answers about fits: coefficients, errors on unseen runs, influence of runs, what new runs change.

This room may import the modules of `answers`, `options` and `output`.
"""
