"""How often intervals hold the truth, on simulated runs, method by method."""
