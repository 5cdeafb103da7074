"""The experiments. Each has a folder with one command, and a README with the expected numbers."""
