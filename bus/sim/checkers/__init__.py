"""Checks of what a simulated run leaves behind, written from the documents and not from the code."""
