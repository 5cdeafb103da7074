"""The verbs of `jaxlaws plan`, one file each.

This room may import `answers`, `options` and `output`.
"""
