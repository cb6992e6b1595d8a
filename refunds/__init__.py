"""A refund's life: read states.py and lifecycle.py, then the rooms in the order in which a request passes them: intake, review,
goods, payouts, telling, follow_up.
"""
