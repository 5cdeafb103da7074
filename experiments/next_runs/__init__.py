"""Simulated tests of the choice of the next runs."""
