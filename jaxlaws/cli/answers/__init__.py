"""What the command line shows for each kind of answer.

This room may import `options` and `output`.
"""
