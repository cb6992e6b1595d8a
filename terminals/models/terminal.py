"""POS terminals."""

from __future__ import annotations

from django.db import models

from merchants.models import Store


class Terminal(models.Model):
    """A till. One whose return function is off takes no refund requests."""

    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="terminals")
    code = models.CharField(max_length=20)
    refunds_enabled = models.BooleanField(default=True)
    software_version = models.CharField(max_length=20, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)

    walled_by = "store"

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "code"], name="terminal_code_once")]

    def __str__(self) -> str:
        return self.code
