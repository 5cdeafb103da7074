"""Published runs fitted again, beside what is printed of them."""
