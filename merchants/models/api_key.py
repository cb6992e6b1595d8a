"""API keys: shown once, stored hashed."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from core.personal_data import SealedTextField
from merchants.models.merchant import Merchant, Store
from merchants.models.staff import Staff


class KeyScope(models.TextChoices):
    TRANSACTIONS_WRITE = "transactions:write"
    TRANSACTIONS_CORRECT = "transactions:correct"
    TRANSACTIONS_READ = "transactions:read"
    REFUNDS_WRITE = "refunds:write"
    REFUNDS_READ = "refunds:read"
    PAYOUTS_WRITE = "payouts:write"
    ANALYTICS_READ = "analytics:read"
    WEBHOOKS_WRITE = "webhooks:write"


class ApiKey(models.Model):
    """A client of one merchant: of one store, or of all where ``all_stores`` says so. ``hash`` is SHA-256 of the key: it has
    256 random bits.

    ``replaces`` is the key that it was rotated from: what that one asked for is its own. A key that was rotated works until
    ``expires_at``, a revoked one is dead since ``revoked_at``. A key with a ``signing_secret`` only takes signed requests.
    ``rate_limit`` is requests in ten seconds. ``mandate`` is as ``merchants.mandates`` has it; while ``stopped_at`` is set it
    may nothing.
    ``last_used_at`` is at most ``api_keys.USE_NOTED_EVERY`` too early.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="api_keys")
    store = models.ForeignKey(Store, null=True, blank=True, on_delete=models.PROTECT)
    all_stores = models.BooleanField(default=False)
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12)
    hash = models.BinaryField(max_length=32, unique=True)
    scopes = ArrayField(models.CharField(max_length=30, choices=KeyScope.choices))
    signing_secret = SealedTextField(purpose="api_key.signing_secret")
    rate_limit = models.PositiveIntegerField(null=True, blank=True)
    created_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT)
    replaces = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    mandate = models.JSONField(default=dict, blank=True, db_default={})
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(all_stores=False) | models.Q(store=None), name="key_of_one_store_or_all"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
