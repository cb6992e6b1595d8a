"""What programs of others hang on to: the event feed and webhooks."""
