"""Messages to customers: what was sent to whom, and what goes out again."""
