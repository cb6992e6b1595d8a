"""Goods that come back for a refund: asked for, received, inspected; and what is offered instead of one."""
