"""Many refunds asked for at once."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.personal_data import SealedTextField
from merchants.models import ApiKey, Merchant, Staff, Store
from refunds.models.request import RefundRequest


class BatchState(models.TextChoices):
    """``checking``: the dry run; ``ready``: somebody else is to confirm it; ``confirmed``: it can still be cancelled whole."""

    CHECKING = "checking", _("Being checked")
    READY = "ready", _("To be confirmed")
    CONFIRMED = "confirmed", _("Confirmed")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("Cancelled")


class RefundBatch(models.Model):
    """``store`` is that of who filed it, None where they work in more. ``starts_at``: from then on its rows are asked for.

    Whoever files it does not confirm it, also not by another key they made (``filed_by``: who stands behind it).
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    store = models.ForeignKey(Store, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=80)
    state = models.CharField(max_length=10, choices=BatchState.choices, default=BatchState.CHECKING)
    api_key = models.ForeignKey(ApiKey, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    filed_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    filed_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    confirmed_at = models.DateTimeField(null=True)
    starts_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["state", "id"],
                condition=Q(state__in=["checking", "confirmed", "running"]),
                name="refund_batch_due",
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | Q(filed_by=None) | ~Q(confirmed_by=F("filed_by")),
                name="batch_confirmed_by_another",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["confirmed", "running", "done"])
                | Q(confirmed_by__isnull=False, confirmed_at__isnull=False, starts_at__isnull=False),
                name="batch_runs_confirmed",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Outcome(models.TextChoices):
    """What became of a row."""

    OPEN = "", _("Open")
    TAKEN = "taken", _("Asked for")
    REFUSED = "refused", _("Refused")
    SKIPPED = "skipped", _("Left out")


class RefundBatchRow(models.Model):
    """One refund of a batch, ``number`` from 1. ``asked`` is what it asks for, sealed, and is forgotten when its batch is over.

    ``verdict`` is the dry run's: ``approve``, ``review``, or ``bad`` for what cannot be asked for, with ``code`` and ``errors``.
    """

    batch = models.ForeignKey(RefundBatch, on_delete=models.PROTECT, related_name="rows", db_index=False)
    number = models.PositiveIntegerField()
    label = models.CharField(max_length=64)
    amount_fen = models.BigIntegerField(null=True)
    asked = SealedTextField(purpose="refund_batch_row.asked")
    verdict = models.CharField(max_length=10, blank=True)
    code = models.CharField(max_length=60, blank=True)
    errors = models.JSONField(default=list)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True, default=Outcome.OPEN)
    request = models.OneToOneField(RefundRequest, null=True, on_delete=models.PROTECT, related_name="batch_row")

    walled_by = "batch"

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="batch_row_once"),
            models.CheckConstraint(
                condition=Q(outcome="taken", request__isnull=False) | (~Q(outcome="taken") & Q(request=None)),
                name="batch_row_taken_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.number}"
