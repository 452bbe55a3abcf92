"""What was said: the envelope of a message, what stands on ``bus.arbiter``, and short pieces of it."""
