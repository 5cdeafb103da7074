"""Many minimisations in one program, and the judgement of where each one ended.

Optax is used here and nowhere else. This room may import `problem`, and not `data`.
"""
