"""A message to the customer, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.personal_data import SealedTextField, mask_email, mask_phone
from merchants.models import Merchant
from refunds.models.request import RefundRequest


class NotificationState(models.TextChoices):
    PENDING = "pending", _("Waiting")
    SENT = "sent", _("Sent")
    DEAD = "dead", _("Given up")
    REPLACED = "replaced", _("Went another way")


class Medium(models.TextChoices):
    EMAIL = "email", _("E-mail")
    SMS = "sms", _("SMS")
    WECHAT = "wechat", _("WeChat message")


#: The event of an apology for an incident; its ``version`` is the incident's id. Others are named by a request's state.
APOLOGY = "apology"
#: The event of money that comes later than the customer was told; its ``version`` is the ordinal of the new day.
ARRIVAL_CHANGED = "arrival_changed"


class Notification(models.Model):
    """One message by one medium for one event. Written once however often the event is delivered.

    ``fallback`` are the media that are tried, in order, once this one is given up. ``text`` is what was sent, without the
    customer's link. ``carrier`` is the merchant's provider that took it (empty: the installation's own); it is asked at
    ``receipt_due_at`` whether it arrived: ``delivered_at``. ``promised_by``: when the money is there, as the text says.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="notifications", db_index=False)
    event = models.CharField(max_length=30)
    version = models.PositiveIntegerField()
    medium = models.CharField(max_length=10, choices=Medium.choices)
    locale = models.CharField(max_length=10)
    recipient = SealedTextField(purpose="notification.recipient")
    masked_recipient = models.CharField(max_length=120)
    state = models.CharField(max_length=10, choices=NotificationState.choices, default=NotificationState.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    receipt = models.CharField(max_length=120, blank=True)
    last_error = models.CharField(max_length=300, blank=True)
    fallback = ArrayField(models.CharField(max_length=10), default=list, db_default=[])
    text = models.TextField(blank=True, default="", db_default="")
    carrier = models.CharField(max_length=20, blank=True, default="", db_default="")
    receipt_due_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    promised_by = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "event", "version", "medium"], name="notification_once"),
        ]
        indexes = [
            models.Index(fields=["merchant", "created_at", "id"], name="notification_created"),
            models.Index(fields=["merchant", "created_at", "id"], name="notification_dead", condition=Q(state="dead")),
            models.Index(fields=["due_at", "id"], name="notification_due", condition=Q(state="pending")),
            models.Index(
                fields=["receipt_due_at"], name="notification_receipt", condition=Q(receipt_due_at__isnull=False)
            ),
            models.Index(fields=["request", "id"], name="notification_before", condition=Q(state="pending")),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.medium}"

    @classmethod
    def of(
        cls,
        request: RefundRequest,
        *,
        event: str,
        version: int,
        at: datetime,
        due_at: datetime | None = None,
        chains: Sequence[Sequence[str]] = ((Medium.EMAIL,), (Medium.SMS,)),
        openid: str = "",
    ) -> list[Notification]:
        """Unsaved: one of each chain, by the first medium that reaches the customer; the others are its ``fallback``."""
        recipients = {
            Medium.EMAIL.value: (request.customer_email, mask_email(request.customer_email)),
            Medium.SMS.value: (request.customer_phone, mask_phone(request.customer_phone)),
            Medium.WECHAT.value: (openid, f"WeChat ****{openid[-4:]}"),
        }
        reached = [[medium for medium in chain if recipients[medium][0]] for chain in chains]
        return [
            cls(
                merchant_id=request.merchant_id,
                request_id=request.pk,
                event=event,
                version=version,
                medium=media[0],
                fallback=media[1:],
                locale=request.customer_locale,
                recipient=recipients[media[0]][0],
                masked_recipient=recipients[media[0]][1],
                due_at=due_at or at,
                created_at=at,
            )
            for media in reached
            if media
        ]
