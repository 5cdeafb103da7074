"""What a fit minimises: coefficients, units, bijections, priors, objectives and likelihood.

This room imports no other room.
"""
