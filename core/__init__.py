"""What knows nothing of refunds: money, errors, audit, personal data."""
