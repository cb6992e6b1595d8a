"""For those who write clients: the sandbox, what was called, and what went wrong with it."""
