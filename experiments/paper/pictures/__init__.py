"""The paper's figures. Each function takes a preset and returns a figure."""
