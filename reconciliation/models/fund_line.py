"""What a channel says of the money itself: the refunds among an account's movements of one day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from reconciliation.models.bill import ReconciliationDay
from refunds.models.execution import Execution

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class FundKind(models.TextChoices):
    OUT = "refund", _("Paid out")
    BACK = "refund_closed", _("Came back")


class FundStatement(models.Model):
    """A day's movements as they came. ``size`` is of the file in bytes, 0 for a day on which no money moved."""

    day = models.OneToOneField(ReconciliationDay, on_delete=models.PROTECT, related_name="funds")
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    out_count = models.PositiveIntegerField(default=0)
    out_fen = models.BigIntegerField(default=0)
    back_count = models.PositiveIntegerField(default=0)
    back_fen = models.BigIntegerField(default=0)
    #: Fees that came back with the refunds, where a row says so: these rows are net.
    fees_back_fen = models.BigIntegerField(default=0)
    set_aside_count = models.PositiveIntegerField(default=0)
    imported_at = models.DateTimeField()

    walled_by = "day"

    if TYPE_CHECKING:
        lines: RelatedManager[FundLine]

    def __str__(self) -> str:
        return f"{self.day} funds"


class FundLine(models.Model):
    """Money that left for a refund, or came back because the channel closed it."""

    statement = models.ForeignKey(FundStatement, on_delete=models.CASCADE, related_name="lines", db_index=False)
    line = models.PositiveIntegerField()
    kind = models.CharField(max_length=20, choices=FundKind.choices)
    refund_no = models.CharField(max_length=64, db_collation="C")
    channel_refund_no = models.CharField(max_length=64, db_collation="C")
    amount_fen = models.BigIntegerField()
    fee_fen = models.BigIntegerField(default=0)
    booked_at = models.DateTimeField(null=True, blank=True)
    execution = models.ForeignKey(
        Execution,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="fund_lines",
        # As on the bill lines: an import must not lock payouts.
        db_constraint=False,
    )

    walled_by = "statement"

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["statement", "line"], name="fund_line_once"),
            models.CheckConstraint(condition=Q(amount_fen__gte=0), name="fund_line_says_its_kind_not_by_sign"),
        ]

    def __str__(self) -> str:
        return self.refund_no or self.channel_refund_no
