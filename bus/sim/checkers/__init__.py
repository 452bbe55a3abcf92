"""Checks of what a simulated run leaves behind, one invariant a file, written from the documents and not from the code."""
