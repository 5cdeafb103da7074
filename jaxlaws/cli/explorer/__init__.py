"""The explorer: a local page whose controls evaluate laws and plans.

This room may import `answers`, `options` and `output`.
"""
