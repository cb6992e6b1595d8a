"""The review desk: what waits for a person, and a preview beside it."""
