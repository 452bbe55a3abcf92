"""The pure core: what is said, what happened and why not; values in, values out, standard library only."""
