"""Who is given which work."""
