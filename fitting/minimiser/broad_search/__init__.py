"""A search for the minimum of a law whose coefficients may have any size and sign.

This room may import `problem` and the steps of the minimiser.
"""
