"""The page of one refund, and what can be sent from it."""
