"""Plans for one model that has no teacher.

This room may import `analysis`, `engine` and `solver`.
"""
