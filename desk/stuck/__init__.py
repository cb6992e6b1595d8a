"""A payout that the channel cannot deliver, sent to another account."""
