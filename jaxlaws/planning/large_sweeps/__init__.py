"""Sweeps that are too large for memory, as a Parquet data set that many processes write.

This room may import `engine` and `plan_dict`. It takes planning functions as arguments.
"""
