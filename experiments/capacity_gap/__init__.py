"""The capacity gap, shown where it can be computed exactly and where it is trained."""
