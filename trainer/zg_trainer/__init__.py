"""Training for the 0G Compute Network: the demo model, and the parts that every trainer shares."""
