"""Pictures and files that belong to a request: read, re-encoded, kept, shown."""
