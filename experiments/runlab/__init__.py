"""Training and distillation of small language models: the source of the bundled runs."""
