"""One sale with its refunds."""
