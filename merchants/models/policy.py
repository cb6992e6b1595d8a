"""The refund policy: versions that never change once they are in force."""

from __future__ import annotations

from django.db import models

from merchants.models.merchant import Merchant
from merchants.models.staff import Staff


class PolicyVersion(models.Model):
    """One version of a merchant's rules, in force from ``effective_from`` until the next one is.

    ``rules`` has the shape that ``merchants.policies.rules`` reads. A trigger refuses changes and deletions.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="policy_versions")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    rules = models.JSONField()
    effective_from = models.DateTimeField()
    published_at = models.DateTimeField()
    published_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT)

    append_only = True

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant", "number"], name="policy_number_once")]
        indexes = [models.Index(fields=["merchant", "-effective_from"], name="policy_in_force")]

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"
