"""Small modules that every other part of the package may use, such as the `Law` protocol.

This room imports no other part of the package, with two exceptions: `law` may import `inputs` and
`pytree`, and `concurrency` imports `precision`.
"""
