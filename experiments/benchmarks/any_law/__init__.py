"""Fits of laws that the project was not developed with, compared with SciPy."""
