"""Deciding for somebody who is away."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from merchants.models.merchant import Merchant
from merchants.models.staff import Staff


class Delegation(models.Model):
    """From ``starts_at`` until ``ends_at`` the deputy decides what the absent person may, up to ``limit_fen`` (None: all)."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT)
    absent = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    deputy = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    limit_fen = models.BigIntegerField(null=True)
    made_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(absent=F("deputy")), name="delegation_to_another"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="delegation_ends_after_start"),
            models.CheckConstraint(condition=Q(limit_fen=None) | Q(limit_fen__gt=0), name="delegation_limit_positive"),
        ]
        indexes = [models.Index(fields=["deputy", "ends_at"], name="delegation_deputy")]

    def __str__(self) -> str:
        return f"{self.absent_id} -> {self.deputy_id}"

    def state(self, at: datetime) -> str:
        """``now``, ``later``, ``over`` or ``revoked``."""
        if self.revoked_at is not None:
            return "revoked"
        return "over" if self.ends_at <= at else "later" if self.starts_at > at else "now"
