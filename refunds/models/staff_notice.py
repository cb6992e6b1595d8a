"""What a member of staff is told at the desk."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from merchants.models import Merchant, Staff
from refunds.models.request import RefundRequest


class StaffNoticeKind(models.TextChoices):
    MENTION = "mention", _("mentions you")
    DECISION_VOID = "decision_void", _("did not take effect: look at it again")


class StaffNotice(models.Model):
    """About a refund, to one person; ``by_name`` is who wrote the ``text``, where somebody did."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False)
    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=20, choices=StaffNoticeKind.choices)
    by_name = models.CharField(max_length=80, blank=True)
    text = models.CharField(max_length=1000, blank=True)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind=StaffNoticeKind.MENTION) | (~Q(by_name="") & ~Q(text="")),
                name="mention_says_who_and_what",
            )
        ]
        indexes = [
            models.Index(fields=["staff", "at", "id"], name="staff_notice"),
            models.Index(fields=["staff"], name="staff_notice_unread", condition=Q(read_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.request_id}"
