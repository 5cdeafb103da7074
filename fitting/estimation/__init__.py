"""The fits that a user calls, with their options, their resampling and their results.

This room may import `minimiser`, `problem` and `data`.
"""
