"""Hold-outs: predictions of laws for runs that the fit did not see, compared with simpler laws."""
