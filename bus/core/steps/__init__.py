"""What one record brings about: events said one after another, each folded at once."""
