"""Pictures. With the command line the only part that imports matplotlib."""
