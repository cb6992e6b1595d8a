"""A decision at the desk that can still be taken back."""

from django.db import models

from merchants.models import Staff
from refunds.models.approval import Decision
from refunds.models.request import RefundRequest


class PendingDecision(models.Model):
    """What somebody decided about the request's ``version``, with the decision's arguments in ``said``.

    Gone once it took effect (from ``effective_at`` on) or was taken back: the audit trail keeps both.
    """

    request = models.OneToOneField(
        RefundRequest, primary_key=True, on_delete=models.PROTECT, related_name="pending_decision"
    )
    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    decision = models.CharField(max_length=20, choices=Decision.choices)
    version = models.PositiveIntegerField()
    said = models.JSONField()
    decided_at = models.DateTimeField()
    effective_at = models.DateTimeField()

    walled_by = "request"

    def __str__(self) -> str:
        return f"{self.decision} {self.request_id}"
