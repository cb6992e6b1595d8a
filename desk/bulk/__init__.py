"""The same decision for many refunds."""
