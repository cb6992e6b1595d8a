"""What colleagues tell one another: the bell and its list."""
