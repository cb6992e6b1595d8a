"""The bank account that a transfer goes to."""

from django.db import models

from core.personal_data import SealedTextField
from merchants.models import Merchant
from refunds.models.request import RefundRequest


class Payee(models.Model):
    """The customer's own account, given with their consent when a bank transfer is asked for.

    Holder and number are sealed; only the number's end is open. It changes only with a resubmission, which is judged and
    approved anew: what a reviewer approved is what gets paid. The database refuses one without holder or number.
    """

    request = models.OneToOneField(RefundRequest, on_delete=models.PROTECT, primary_key=True, related_name="payee")
    # db_constraint=False as on the request: parents that can never be deleted.
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    holder_name = SealedTextField(purpose="payee.holder_name")
    account_no = SealedTextField(purpose="payee.account_no")
    account_last4 = models.CharField(max_length=4)
    bank_name = models.CharField(max_length=60)
    recorded_by = models.CharField(max_length=80)
    recorded_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.bank_name} **** {self.account_last4}"
