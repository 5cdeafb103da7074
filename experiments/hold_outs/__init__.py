"""What the laws fitted to some runs say of runs they did not see, against simpler laws."""
