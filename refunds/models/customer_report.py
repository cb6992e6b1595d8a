"""What customers say through their link after a decision: that the money is there, that it is not, that they want help, that they
see a rejection differently.
"""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from merchants.models import Merchant, Staff
from refunds.models.request import RefundRequest


class ReportKind(models.TextChoices):
    ARRIVED = "arrived", _("The money is there")
    NOT_ARRIVED = "not_arrived", _("The money is not there")
    HELP = "help", _("Asks for help")
    APPEAL = "appeal", _("Appeals against the rejection")
    LOW_SCORE = "low_score", _("Low score")
    COMPLAINT = "complaint", _("Complaint")
    CALL_BACK = "call_back", _("Call back")


#: What staff note of a customer who speaks to them instead of writing.
NOTED_BY_STAFF = (ReportKind.COMPLAINT, ReportKind.CALL_BACK)


class CustomerReport(models.Model):
    """One word of a customer, or a task that staff noted for them.

    ``proofs`` is what was shown for "not there", a payout each (``refunds.follow_up.reports.Proof``).

    With ``due_at`` it is a case: ``owner`` sees to it by then, and closes it with ``outcome``, which the customer reads.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False)
    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="customer_reports")
    kind = models.CharField(max_length=20, choices=ReportKind.choices)
    words = models.CharField(max_length=500, blank=True)
    said_at = models.DateTimeField()
    proofs = models.JSONField(default=list)
    owner = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    due_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=500, blank=True)
    closed_by = models.CharField(max_length=80, blank=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["request", "kind"],
                condition=Q(due_at__isnull=False, closed_at__isnull=True),
                name="one_open_report_a_kind",
            ),
            models.UniqueConstraint(fields=["request"], condition=Q(kind=ReportKind.APPEAL), name="one_appeal"),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(due_at__isnull=False) & ~Q(closed_by="") & ~Q(outcome=""),
                name="report_closes_with_outcome",
            ),
        ]
        indexes = [
            models.Index(
                fields=["merchant", "due_at", "id"],
                name="report_open",
                condition=Q(due_at__isnull=False, closed_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.request_id}"

    @property
    def is_open(self) -> bool:
        return self.due_at is not None and self.closed_at is None
