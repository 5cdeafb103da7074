"""The capacity gap, in a system with a closed form and in trained networks."""
