"""The command line: a file a verb. JAX is imported inside the verbs, so that help is quick."""
