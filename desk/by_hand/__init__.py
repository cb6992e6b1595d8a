"""Payouts that wait for a person."""
