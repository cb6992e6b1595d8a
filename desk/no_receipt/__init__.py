"""Customers without a receipt, and tills that print none."""
