"""The stages of a refund, one file each, in this order: intake, policy, review, execution, notification, follow_up.

Stages never call one another; ``refunds.lifecycle`` moves a request on and rings for the next.
"""
