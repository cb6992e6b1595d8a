"""The double-entry ledger: money that moved, written in the same commit as the fact it tells of."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from merchants.models import ChannelAccount, Merchant
from refunds.models.execution import Execution


class LedgerAccount(models.TextChoices):
    REFUNDS_PAYABLE = "refunds_payable", _("Refunds payable")
    CHANNEL_CLEARING = "channel_clearing", _("Channel clearing")
    CHANNEL_FEES = "channel_fees", _("Channel fees")
    FEES_LOST = "fees_lost", _("Fees lost to refunds")
    COMPENSATION = "compensation", _("Compensation")


class PostingKind(models.TextChoices):
    PAYOUT = "payout", _("Refund paid")
    FEE = "fee", _("Fee of the refunded part")
    COMPENSATION = "compensation", _("Compensation paid")
    RETURNED = "returned", _("Transfer came back")
    REPAID = "repaid", _("Paid again")


class LedgerEntry(models.Model):
    """One side of a posting: an execution's entries of one kind, which sum to zero. Debits are above zero, credits below.

    Rows are only ever added; a trigger refuses changes.
    """

    id = models.BigAutoField(primary_key=True)
    # Copied from the execution by the statement that writes the row: checking them again cost settling 4%.
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    channel_account = models.ForeignKey(ChannelAccount, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    execution = models.ForeignKey(Execution, on_delete=models.PROTECT, related_name="ledger_entries", db_index=False)
    kind = models.CharField(max_length=20, choices=PostingKind.choices)
    account = models.CharField(max_length=20, choices=LedgerAccount.choices)
    amount_fen = models.BigIntegerField()
    booked_at = models.DateTimeField()

    append_only = True

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["execution", "kind", "account"], name="ledger_posted_once"),
            models.CheckConstraint(condition=~Q(amount_fen=0), name="ledger_amount_not_zero"),
        ]
        indexes = [
            # A shift's postings; rows lie in order of time.
            BrinIndex(fields=["booked_at"], name="ledger_booked_brin", pages_per_range=32, autosummarize=True),
            # What channels kept, for the figures: a small part of all entries.
            models.Index(
                fields=["execution"],
                include=["amount_fen"],
                name="ledger_fees_lost",
                condition=Q(kind="fee", account="fees_lost"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.amount_fen}"
