"""Trials of a policy: a draft judges stored facts again, on the past or beside what comes in."""
