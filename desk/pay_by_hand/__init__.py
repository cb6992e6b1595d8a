"""One payout by hand, in two steps: the form, and what is about to be recorded."""
