"""Where an invitation leads."""
