"""Comparing what we say was refunded with what the channels' statements say, day by day."""
