"""Pictures and files that belong to a request: read, made anew, kept, shown."""
