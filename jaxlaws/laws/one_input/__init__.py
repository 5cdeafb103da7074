"""Laws of a single input: compute, or one scale of any kind.

A law here imports no other law.
"""
