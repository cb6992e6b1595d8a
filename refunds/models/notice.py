"""The inbox of channel call backs: stored as they came, applied once."""

from django.db import models
from django.db.models import Q

from merchants.models import ChannelAccount

#: Effects of a notice of a refund that was made elsewhere: its channel is to be asked about the payment, or was.
ASK_TRADE, TRADE_ASKED = "ask_trade", "trade_asked"


class ChannelNotice(models.Model):
    """A verified notice. ``event_id`` is the channel's: a repeat finds the row and has no second effect.

    ``channel_transaction_no`` is the payment that it speaks of, ``amount_fen`` this refund's amount, and ``refunded_fen`` what
    was refunded of the payment in all, where it says so.

    ``effect`` is ``ASK_TRADE`` for a refund of a sale of ours that nobody here asked for, and ``TRADE_ASKED`` once its channel
    was asked about that sale (``refunds.payouts.elsewhere``).
    """

    channel_account = models.ForeignKey(ChannelAccount, on_delete=models.PROTECT, db_index=False)
    event_id = models.CharField(max_length=80)
    refund_no = models.CharField(max_length=64)
    channel_transaction_no = models.CharField(max_length=64, blank=True, default="", db_default="")
    refunded_fen = models.BigIntegerField(null=True, blank=True)
    amount_fen = models.BigIntegerField(null=True, blank=True)
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
            models.Index(
                fields=["channel_transaction_no"],
                name="notice_elsewhere",
                condition=Q(effect__in=[ASK_TRADE, TRADE_ASKED]),
            ),
        ]

    def __str__(self) -> str:
        return self.event_id
