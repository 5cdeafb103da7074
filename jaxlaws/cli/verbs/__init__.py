"""The verbs of the command line, one file each: its options and how they combine.

This room may import `answers`, `options` and `output`.
"""
