"""A merchant's policies: their fields, the typed rules, and versions in force."""

from merchants.policies.versions import in_force, publish, rules_in_force, rules_of, store_codes

__all__ = ["in_force", "publish", "rules_in_force", "rules_of", "store_codes"]
