"""Snapshots: what a partition knows, written down now and then, checked by a replay, and read back at a restore."""
