"""Why the supervised law errs at low losses: runs with other batches and learning rates."""
