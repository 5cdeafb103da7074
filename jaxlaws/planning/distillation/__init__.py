"""Plans for a student and its teacher.

This room may import `analysis`, `engine` and `solver`.
"""
