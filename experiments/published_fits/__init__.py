"""Fits of published runs, compared with the coefficients that the papers print."""
