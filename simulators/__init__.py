"""Stand-in payment channels: real HTTP servers that speak the vendors' protocols and keep their own ledger.

They never import the product, and the product never imports them: one shared mistake would pass on both sides.
"""
