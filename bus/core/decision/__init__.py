"""What was decided: every event, the entries that keep them, and every reason for a no."""
