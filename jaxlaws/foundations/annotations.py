"""Types for annotations that a checker cannot express, each with one meaning.

A union of NumPy arrays, JAX arrays and floats makes every formula a type error, and a tree that
JAX knows has no common class. These names say what a value is where the checker cannot.
"""

from typing import Any, TypeAlias

# A number, or an array of NumPy or of JAX, traced or not.
Array: TypeAlias = Any

# A tree of arrays that JAX knows, such as a law, a plan, or a mapping of them.
Tree: TypeAlias = Any

# A value that the module `json` reads and writes.
Json: TypeAlias = Any
