"""Reconciliation at the desk: the list of days, one day, one of its differences."""
