"""Measures how often intervals contain the true value, on simulated runs, for each method."""
