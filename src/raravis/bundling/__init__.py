"""A finished run becomes a bundle: what a stranger needs to identify animals, and nothing that is ours alone."""
