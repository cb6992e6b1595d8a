"""Sales and refunds from a file."""
