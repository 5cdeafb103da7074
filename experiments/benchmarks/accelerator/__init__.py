"""Plans and fits on an accelerator, measured by one command."""
