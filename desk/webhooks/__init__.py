"""Webhooks: which addresses are called, and what became of each call."""
