"""Losses along runs of three sizes and two schedules, and the annealed loss of unfinished runs."""
