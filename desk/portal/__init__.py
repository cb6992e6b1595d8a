"""What the channel's portal shows of a payout of which the channel says nothing: one says it, another confirms it."""
