"""The preset `busbridge2025_refit`, made again from the points of the paper's Fig. 1."""
