"""What stands: one resource and its case, the fold of events, and one partition of ``bus.arbiter``."""
