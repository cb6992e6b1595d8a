"""A channel's statement of one day, its lines, and the day's reconciliation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from merchants.models import ChannelAccount, Merchant, Staff
from refunds.models.execution import Execution

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class DayState(models.TextChoices):
    OPEN = "open", _("Not closed")
    CLOSED = "closed", _("Day closed")


class BillSource(models.TextChoices):
    DOWNLOAD = "download", _("Downloaded")
    UPLOAD = "upload", _("Uploaded by hand")


class MatchOutcome(models.TextChoices):
    """What comparing says of a refund. The first and the last are no differences."""

    MATCHED = "matched", _("Matched")
    AMOUNT_DIFFERS = "amount_differs", _("Amount differs")
    OURS_ONLY = "ours_only", _("Only with us")
    CHANNEL_ONLY = "channel_only", _("Only at the channel")
    PENDING = "pending", _("Not known yet")


class ReconciliationDay(models.Model):
    """One bill day of one channel account. ``due_at`` is when its bill is fetched next; empty: not again by itself.

    The counts are those of the last comparison, at ``compared_at``. A closed day does not change until it is reopened; a
    trigger sees to it.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT)
    channel_account = models.ForeignKey(ChannelAccount, on_delete=models.PROTECT)
    date = models.DateField()
    state = models.CharField(max_length=10, choices=DayState.choices, default=DayState.OPEN)
    bill = models.OneToOneField("Bill", null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    due_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=60, blank=True)
    last_error_message = models.CharField(max_length=300, blank=True)

    compared_at = models.DateTimeField(null=True, blank=True)
    ours_count = models.PositiveIntegerField(default=0)
    ours_fen = models.BigIntegerField(default=0)
    bill_count = models.PositiveIntegerField(default=0)
    bill_fen = models.BigIntegerField(default=0)
    matched = models.PositiveIntegerField(default=0)
    amount_differs = models.PositiveIntegerField(default=0)
    ours_only = models.PositiveIntegerField(default=0)
    channel_only = models.PositiveIntegerField(default=0)
    pending = models.PositiveIntegerField(default=0)
    open_differences = models.PositiveIntegerField(default=0)

    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(Staff, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reopen_note = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel_account", "date"], name="one_day_per_account"),
            models.CheckConstraint(
                condition=Q(
                    state=DayState.CLOSED,
                    closed_at__isnull=False,
                    closed_by__isnull=False,
                    bill__isnull=False,
                    due_at__isnull=True,
                )
                | Q(state=DayState.OPEN, closed_at__isnull=True, closed_by__isnull=True),
                name="day_closed_by_somebody",
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-date"], name="day_newest"),
            models.Index(fields=["due_at"], name="day_due", condition=Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.channel_account_id} {self.date}"

    @property
    def gap_fen(self) -> int:
        """What we say was refunded less what the channel says."""
        return self.ours_fen - self.bill_fen


class Bill(models.Model):
    """A statement as it came: which file, when, from where. Earlier versions stay; only the day's current one has lines.

    ``sha256`` is of the unpacked content. ``size`` is of the file in bytes, 0 for a day that the channel has no file for.
    ``fees_fen`` is empty where the file says nothing of fees. ``set_aside`` are the rows that could not be read, as
    ``[{line, text, why, said, amount_fen}]``, ``set_aside_count`` all of them; ``gap_fen`` is what the file's own total says
    beyond its rows, these included where their amounts can be read. ``merchant_no`` is whose the file says it is.
    """

    day = models.ForeignKey(ReconciliationDay, on_delete=models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    source = models.CharField(max_length=10, choices=BillSource.choices)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    refunds = models.PositiveIntegerField()
    refunds_fen = models.BigIntegerField()
    fees_fen = models.BigIntegerField(null=True)
    set_aside = models.JSONField(default=list, blank=True)
    set_aside_count = models.PositiveIntegerField(default=0)
    gap_fen = models.BigIntegerField(default=0)
    merchant_no = models.CharField(max_length=64, blank=True, default="")
    imported_at = models.DateTimeField()
    imported_by = models.ForeignKey(Staff, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    walled_by = "day"

    if TYPE_CHECKING:
        lines: RelatedManager[BillLine]

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "version"], name="bill_version_once")]

    def __str__(self) -> str:
        return f"{self.day} v{self.version}"


class BillLine(models.Model):
    """A refund or void in a statement. ``state`` is the channel's own word; without ``succeeded_at`` it is not proven paid."""

    bill = models.ForeignKey(Bill, on_delete=models.CASCADE, related_name="lines", db_index=False)
    line = models.PositiveIntegerField()
    kind = models.CharField(max_length=20)
    order_no = models.CharField(max_length=64, db_collation="C")
    channel_transaction_no = models.CharField(max_length=64, db_collation="C")
    refund_no = models.CharField(max_length=64, db_collation="C")
    channel_refund_no = models.CharField(max_length=64, db_collation="C")
    amount_fen = models.BigIntegerField()
    fee_fen = models.BigIntegerField(null=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=40)
    execution = models.ForeignKey(
        Execution,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="bill_lines",
        db_index=False,
        # A constraint would lock payouts for as long as an import takes, and settling waits for no import.
        db_constraint=False,
    )
    outcome = models.CharField(max_length=20, choices=MatchOutcome.choices, default=MatchOutcome.CHANNEL_ONLY)

    walled_by = "bill"

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bill", "line"], name="bill_line_once"),
            models.UniqueConstraint(
                fields=["execution"], condition=Q(execution__isnull=False), name="execution_on_one_line"
            ),
        ]
        indexes = [models.Index(fields=["bill", "outcome", "id"], name="bill_line_outcome")]

    def __str__(self) -> str:
        return self.refund_no or self.channel_refund_no
