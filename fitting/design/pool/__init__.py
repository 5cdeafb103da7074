"""Runs of a pool, few of them trained: which ones to train next, and the fit to those trained."""
