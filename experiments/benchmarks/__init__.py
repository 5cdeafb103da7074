"""Benchmarks of plans and fits, with ratios to other packages measured in the same run."""
