"""Pictures of laws and plans. With the command line the only part that imports matplotlib."""
