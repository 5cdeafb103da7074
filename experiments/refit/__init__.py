"""Makes the preset `busbridge2025_refit` from the points of the paper's Fig. 1."""
