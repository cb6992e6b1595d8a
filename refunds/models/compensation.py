"""What is paid beside a deposit where the merchant broke the contract."""

from django.db import models

from refunds.models.request import RefundRequest


class Compensation(models.Model):
    """``payout`` pays, once, what is owed on top of ``request``, the refund of the deposit. No channel gives more than was paid:
    it has a stand-in for its sale (``terminals.standing_in``), and a person transfers it.
    """

    request = models.OneToOneField(
        RefundRequest, on_delete=models.PROTECT, primary_key=True, related_name="compensation"
    )
    payout = models.OneToOneField(RefundRequest, on_delete=models.PROTECT, related_name="compensates")

    walled_by = "request"

    def __str__(self) -> str:
        return f"{self.payout_id} beside {self.request_id}"
