"""What a draft would do: what is wrong with it, what it lets happen, what it would have decided."""
