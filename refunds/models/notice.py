"""The inbox of channel call backs: stored as they came, applied once."""

from django.db import models
from django.db.models import Q

from merchants.models import ChannelAccount


class ChannelNotice(models.Model):
    """A verified notice. ``event_id`` is the channel's: a repeat finds the row and has no second effect."""

    channel_account = models.ForeignKey(ChannelAccount, on_delete=models.PROTECT, db_index=False)
    event_id = models.CharField(max_length=80)
    refund_no = models.CharField(max_length=64)
    outcome = models.JSONField()
    received_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True, blank=True)
    effect = models.CharField(max_length=30, blank=True)

    walled_by = "channel_account"

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel_account", "event_id"], name="notice_once")]
        indexes = [
            models.Index(fields=["id"], name="notice_unapplied", condition=Q(applied_at__isnull=True)),
            models.Index(fields=["refund_no"], name="notice_refund_no"),
        ]

    def __str__(self) -> str:
        return self.event_id
