"""What we and a channel's statement do not agree on, and what was done about it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from merchants.models import ChannelAccount, Merchant, Staff
from reconciliation.models.bill import BillLine, MatchOutcome, ReconciliationDay
from refunds.models.execution import Execution


class Resolution(models.TextChoices):
    ACCEPTED = "accepted", _("Accepted as it is")
    CORRECTED = "corrected", _("Corrected on our side")
    CHANNEL_ERROR = "channel_error", _("The channel's error, reported")
    OTHER_SYSTEM = "other_system", _("Belongs to another system")
    ADOPTED = "adopted", _("Adopted as a refund")
    CLEARED = "cleared", _("Cleared by a later comparison")


#: What a person may choose; the others come about by themselves.
BY_HAND = (Resolution.ACCEPTED, Resolution.CORRECTED, Resolution.CHANNEL_ERROR, Resolution.OTHER_SYSTEM)


class Difference(models.Model):
    """One refund of one bill day that does not agree. ``number`` names it within the day, whichever version of the bill came.

    ``ours_fen`` and ``bill_fen`` are empty on the side that does not know it.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT)
    channel_account = models.ForeignKey(ChannelAccount, on_delete=models.PROTECT, db_index=False)
    day = models.ForeignKey(ReconciliationDay, on_delete=models.PROTECT, related_name="differences", db_index=False)
    number = models.CharField(max_length=80, db_collation="C")
    kind = models.CharField(max_length=20, choices=MatchOutcome.choices)
    line = models.ForeignKey(BillLine, null=True, blank=True, on_delete=models.SET_NULL, related_name="differences")
    execution = models.ForeignKey(
        Execution,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="differences",
        # As on the bill lines: an import must not lock payouts.
        db_constraint=False,
    )
    ours_fen = models.BigIntegerField(null=True)
    bill_fen = models.BigIntegerField(null=True)
    opened_at = models.DateTimeField()
    owner = models.ForeignKey(Staff, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    resolution = models.CharField(max_length=20, choices=Resolution.choices, blank=True)
    note = models.CharField(max_length=500, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(Staff, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "number"], name="difference_once_a_day"),
            models.CheckConstraint(
                condition=Q(resolution="", resolved_at__isnull=True)
                | (~Q(resolution="") & Q(resolved_at__isnull=False)),
                name="difference_resolved_at_some_time",
            ),
            models.CheckConstraint(
                condition=Q(kind=MatchOutcome.AMOUNT_DIFFERS, ours_fen__isnull=False, bill_fen__isnull=False)
                | Q(kind=MatchOutcome.OURS_ONLY, ours_fen__isnull=False, bill_fen__isnull=True)
                | Q(kind=MatchOutcome.CHANNEL_ONLY, bill_fen__isnull=False),
                name="difference_has_its_sides",
            ),
        ]
        indexes = [
            models.Index(fields=["channel_account", "opened_at"], name="difference_open", condition=Q(resolution="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"

    @property
    def gap_fen(self) -> int:
        """What we say less what the channel says."""
        return (self.ours_fen or 0) - (self.bill_fen or 0)
