"""The user's own runs: tables that the page sends, fits of laws to them, and their results.

This room may import the modules beside it, `answers`, `options` and `output`.
"""
