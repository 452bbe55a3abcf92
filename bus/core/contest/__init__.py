"""A contest as a value: who competes, who votes, what was offered, and the walk down the ladder."""
