"""Deciding once more what a colleague has decided, without seeing how."""
