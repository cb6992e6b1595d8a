"""Who carries a merchant's messages to its customers, and by which medium they are told first."""

import json

from django.db import models

from core.personal_data import SealedTextField
from merchants.models.merchant import Merchant


class MessageCarrier(models.Model):
    """A provider that the merchant has a contract with: ``kind`` as ``refunds.telling.providers`` registers it.

    ``templates`` are the texts that the provider has approved: ``{"refunded/zh-hans": {"id": ..., "text": ...}}``. Carriers of
    one medium are asked by ``position``. ``failures`` counts calls in a row that failed, from ``failing_since`` on; nothing is
    handed to it before ``paused_until``. ``trouble`` is the last failure that is for the merchant to mend.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=20)
    enabled = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=1)
    sealed_settings = SealedTextField(purpose="message_carrier.settings")
    templates = models.JSONField(default=dict, blank=True)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    trouble = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant", "kind"], name="message_carrier_once")]

    def __str__(self) -> str:
        return f"{self.merchant_id}/{self.kind}"

    @property
    def settings(self) -> dict[str, str]:
        loaded: dict[str, str] = json.loads(self.sealed_settings or "{}")
        return loaded

    def set_settings(self, given: dict[str, str]) -> None:
        self.sealed_settings = json.dumps(given, ensure_ascii=False)


class MessageOrder(models.Model):
    """In which order customers are told of one event in one language; ``order`` is a name of ``refunds.telling.orders``."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    event = models.CharField(max_length=30)
    language = models.CharField(max_length=10)
    order = models.CharField(max_length=20)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant", "event", "language"], name="message_order_once")]

    def __str__(self) -> str:
        return f"{self.event} {self.language} {self.order}"
