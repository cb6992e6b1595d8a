"""API keys: shown once, stored hashed."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from core.personal_data import SealedTextField
from merchants.models.merchant import Merchant, Store
from merchants.models.staff import Staff


class Scope(models.TextChoices):
    TRANSACTIONS_WRITE = "transactions:write"
    TRANSACTIONS_READ = "transactions:read"
    REFUNDS_WRITE = "refunds:write"
    REFUNDS_READ = "refunds:read"
    PAYOUTS_WRITE = "payouts:write"
    ANALYTICS_READ = "analytics:read"
    WEBHOOKS_WRITE = "webhooks:write"


class ApiKey(models.Model):
    """A client of one merchant, optionally of one store. ``hash`` is SHA-256 of the key: it has 256 random bits.

    A key with a ``signing_secret`` only takes signed requests. ``rate_limit`` is requests in ten seconds. A key that was
    rotated works until ``expires_at``, a revoked one is dead since ``revoked_at``.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="api_keys")
    store = models.ForeignKey(Store, null=True, blank=True, on_delete=models.PROTECT)
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12)
    hash = models.BinaryField(max_length=32, unique=True)
    scopes = ArrayField(models.CharField(max_length=30, choices=Scope.choices))
    signing_secret = SealedTextField(purpose="api_key.signing_secret")
    rate_limit = models.PositiveIntegerField(null=True, blank=True)
    created_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
