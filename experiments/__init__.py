"""One folder an experiment: one command, a README with the question and the number expected."""
