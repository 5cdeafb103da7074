"""Losses predicted before the training, and what the training then gave."""
