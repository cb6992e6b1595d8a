"""What a person decided, and in which tier."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from merchants.models import Signature, Staff
from refunds.models.request import RefundRequest


class Decision(models.TextChoices):
    APPROVE = "approve", _("Approved")
    REJECT = "reject", _("Rejected")
    REQUEST_INFO = "request_info", _("Asked for more")


class Approval(models.Model):
    """One decision at the desk, never changed but that its ``note`` may be erased. ``version`` is the request's version that the
    decision led to.

    ``tier`` is the one that the decision took, and ``role`` the one that it was taken by on that day: both may change later.
    ``on_behalf_of`` is who was away, where it was taken by their role. ``needed``: how many approve an amount like this.

    The first of two approvals changes no state: it has ``lapses_at``, until when it waits for the second, and counts for this
    ``version`` and ``amount_fen`` only.

    ``factor`` says how the person showed that it was them ("" on those from before it was asked), ``signature`` what they signed,
    where the decision is one that is signed (``refunds.facts.vouching``).
    """

    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="approvals", db_index=False)
    staff = models.ForeignKey(Staff, on_delete=models.PROTECT)
    decision = models.CharField(max_length=20, choices=Decision.choices)
    tier = models.CharField(max_length=30)
    role = models.CharField(max_length=20, blank=True, default="", db_default="")
    amount_fen = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=30, blank=True)
    note = models.TextField(blank=True, max_length=500)
    version = models.PositiveIntegerField()
    at = models.DateTimeField()
    needed = models.PositiveSmallIntegerField(default=1, db_default=1)
    lapses_at = models.DateTimeField(null=True)
    on_behalf_of = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    factor = models.CharField(max_length=20, blank=True, default="", db_default="")
    signature = models.OneToOneField(Signature, null=True, on_delete=models.PROTECT)

    walled_by = "request"
    append_only = True
    erasable = ("note",)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["request", "version"], condition=Q(lapses_at=None), name="one_decision_a_version"
            )
        ]
        indexes = [
            models.Index(fields=["at"], name="approval_at"),
            models.Index(fields=["request", "version"], name="approval_of"),
            models.Index(fields=["lapses_at"], condition=~Q(lapses_at=None), name="approval_lapses"),
        ]

    def __str__(self) -> str:
        return f"{self.decision} {self.request_id}"
