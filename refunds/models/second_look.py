"""A second reviewer decides once more, without knowing how it was decided."""

from django.db import models
from django.db.models import F, Q

from merchants.models import Merchant, Staff
from refunds.models.approval import Approval, Decision
from refunds.models.request import RefundRequest


class SecondLook(models.Model):
    """Of one decision. ``is_override``: it went beyond what the policy gives, and was not picked by chance. Until it is answered
    there is no ``staff`` and no ``decision``; it changes nothing about the refund.

    ``disagrees``: the second person would have decided otherwise; such a refund is shown beside similar ones.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False)
    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="second_looks")
    approval = models.OneToOneField(Approval, on_delete=models.PROTECT, related_name="second_look")
    is_override = models.BooleanField()
    picked_at = models.DateTimeField()
    staff = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    decision = models.CharField(max_length=20, blank=True, choices=Decision.choices)
    note = models.TextField(blank=True, max_length=500)
    disagrees = models.BooleanField(default=False)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_at=None, staff=None, decision="", disagrees=False)
                | Q(answered_at__gte=F("picked_at"), staff__isnull=False, decision__in=["approve", "reject"]),
                name="second_look_answered_by_somebody",
            )
        ]
        indexes = [
            models.Index(
                fields=["merchant", "picked_at", "id"], name="second_look_open", condition=Q(answered_at=None)
            ),
            models.Index(fields=["merchant", "answered_at"], name="second_look_disagrees", condition=Q(disagrees=True)),
        ]

    def __str__(self) -> str:
        return f"second look {self.pk}"
