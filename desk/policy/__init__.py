"""The policy in force, in words, with its history, its review and what changed at the channels."""
