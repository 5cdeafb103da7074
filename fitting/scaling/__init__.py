"""Compute-optimal lines by the three approaches of Hoffmann et al. (2022).

This room may import `estimation`, `minimiser`, `problem` and `data`.
"""
