"""Uncertainty beyond the bootstrap: profile likelihood and Laplace approximation.

This room may import `estimation`, `minimiser`, `problem` and `data`.
"""
