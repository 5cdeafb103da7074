"""The views of the explorer, one file each; `VIEWS` in `all_views.py` has them by name.

This room may import the modules beside it, `answers`, `options` and `output`.
"""
