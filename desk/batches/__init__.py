"""Many refunds at once."""
