"""A customer's consent to messages in WeChat."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from core.personal_data import SealedTextField
from merchants.models import Merchant
from refunds.models.request import RefundRequest


class WeChatConsent(models.Model):
    """What the customer of a refund agreed to in the merchant's mini program: ``events`` are those of which one message each may
    be sent, as WeChat's one-time subscriptions have it. ``refused_at``: WeChat said that they want none.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    request = models.OneToOneField(RefundRequest, on_delete=models.PROTECT, related_name="wechat_consent")
    openid = SealedTextField(purpose="wechat_consent.openid")
    events = ArrayField(models.CharField(max_length=30), default=list)
    given_at = models.DateTimeField()
    refused_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.request_id}"
