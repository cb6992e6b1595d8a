"""The journey of a refund: read states.py, lifecycle.py, then flow/ in the order of its stages."""
