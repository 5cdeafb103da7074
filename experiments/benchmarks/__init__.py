"""Speed, measured in one run on one machine; ratios wherever there is something to compare with."""
