"""The command line: one file per noun, each command a short function over the shell."""
