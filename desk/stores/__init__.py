"""The merchant's stores."""
