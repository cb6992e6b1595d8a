"""Tills: what they are, how they are, whether they take refunds."""
