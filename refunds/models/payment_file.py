"""Transfers taken to the bank in one file, and transfers that the bank sent back."""

from django.db import models
from django.db.models import Q

from core.personal_data import SealedTextField
from merchants.models import Merchant
from refunds.models.execution import Execution
from refunds.models.request import RefundRequest
from refunds.states import HandTrouble


class PaymentFile(models.Model):
    """Made once by ``made_by``; what is in it stands in ``PaymentFileRow``."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT)
    made_by = models.CharField(max_length=80)
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"PF-{self.pk:06d}"


class PaymentFileRow(models.Model):
    """A payout is in one file only: whoever takes a second one to the bank never pays it twice."""

    file = models.ForeignKey(PaymentFile, on_delete=models.PROTECT, related_name="rows")
    execution = models.OneToOneField(Execution, on_delete=models.PROTECT, related_name="file_row")

    walled_by = "file"

    def __str__(self) -> str:
        return f"{self.file_id} {self.execution_id}"


class ReturnedTransfer(models.Model):
    """A transfer that was paid and came back. A colleague of ``noted_by`` pays it again, to the new account if there is one."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False)
    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="returned_transfers")
    execution = models.OneToOneField(Execution, on_delete=models.PROTECT, related_name="returned")
    trouble = models.CharField(max_length=30, choices=HandTrouble.choices)
    note = models.CharField(max_length=300, blank=True)
    holder_name = SealedTextField(purpose="returned.holder_name")
    account_no = SealedTextField(purpose="returned.account_no")
    account_last4 = models.CharField(max_length=4, blank=True)
    bank_name = models.CharField(max_length=60, blank=True)
    noted_by = models.CharField(max_length=80)
    noted_at = models.DateTimeField()
    repaid_key = models.CharField(max_length=60, blank=True, db_collation="C")
    reference_no = models.CharField(max_length=40, blank=True)
    repaid_by = models.CharField(max_length=80, blank=True)
    repaid_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "repaid_key"], condition=~Q(repaid_key=""), name="returned_reference_once"
            ),
            models.CheckConstraint(
                condition=Q(repaid_at__isnull=True, repaid_key="")
                | Q(repaid_at__isnull=False) & ~Q(repaid_key="") & ~Q(repaid_by=""),
                name="returned_repaid_with_reference",
            ),
        ]
        indexes = [
            models.Index(
                fields=["merchant", "noted_at", "id"], name="returned_open", condition=Q(repaid_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.execution_id} {self.trouble}"
