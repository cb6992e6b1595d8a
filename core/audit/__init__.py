"""Who did what, append-only, in a chain of hashes per merchant."""
