"""API keys: issued and shown once, rotated, revoked."""
