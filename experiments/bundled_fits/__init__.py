"""What each part of the distillation law is worth on the bundled runs, against simpler laws."""
