"""How each kind of plan is shown: one `Presentation` in each file.

This room may import the other modules of `answers`, and `options` and `output`.
"""
