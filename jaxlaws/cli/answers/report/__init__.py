"""The report of `jaxlaws report` and of `jaxlaws demo`.

This room may import the other answers, `options` and `output`.
"""
