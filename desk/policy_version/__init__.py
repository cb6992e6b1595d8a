"""One version of the policy, and what it changed."""
