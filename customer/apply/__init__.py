"""A customer asks for a refund by themselves, from the code on their receipt."""
