"""Events for programs, and webhooks."""
