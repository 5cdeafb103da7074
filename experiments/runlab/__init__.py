"""Small language models, really trained and distilled: the source of the bundled runs."""
