"""Accounts at payment channels: opened, rotated, tested, ended; what each contract says."""
