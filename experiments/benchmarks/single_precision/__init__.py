"""Plans in a float32 program against float64."""
