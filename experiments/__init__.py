"""Experiments: one folder each, with one command and a README (question and expected numbers)."""
