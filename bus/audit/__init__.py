"""Checks from outside that a bus kept its promises: it reads what is there, or was exported, and believes nothing."""
