"""A merchant's account at a payment channel."""

from __future__ import annotations

import json
from typing import Any

from django.db import models

from core.personal_data import SealedTextField
from merchants import channels
from merchants.models.merchant import Merchant, Store
from payment_channels.profile import Profile


class ChannelAccount(models.Model):
    """Credentials (sealed) and what the account's contract says otherwise than the channel's usual one.

    ``store``: the store that it is for; None: all that have none of their own. ``used_from`` and ``used_until`` say when payments
    went into it; None: since ever, or not known. One that is no longer active takes no new payments; what was paid into it is
    refunded through it, its notices are heard and its statements fetched.

    ``sealed_credentials_before`` are those before the last change: notices under them are still read until
    ``credentials_before_until``. ``test_word`` is what the last test of the connection came to.

    ``measured`` is what own refunds showed, in the words of a profile (``refunds.payouts.arrival_times``).

    ``code`` stands in the notice URL. ``revision`` changes with credentials or profile, so that kept adapters are renewed.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="channel_accounts")
    store = models.ForeignKey(Store, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    channel = models.CharField(max_length=20)
    code = models.CharField(max_length=40, unique=True)
    base_url = models.URLField(max_length=200)
    profile_overrides = models.JSONField(default=dict)
    measured = models.JSONField(default=dict, db_default={})
    sealed_credentials = SealedTextField(purpose="channel_account.credentials")
    sealed_credentials_before = SealedTextField(purpose="channel_account.credentials_before")
    credentials_before_until = models.DateTimeField(null=True, blank=True)
    tested_at = models.DateTimeField(null=True, blank=True)
    test_word = models.CharField(max_length=20, blank=True, default="", db_default="")
    test_code = models.CharField(max_length=60, blank=True, default="", db_default="")
    revision = models.PositiveIntegerField(default=1)
    is_active = models.BooleanField(default=True)
    used_from = models.DateTimeField(null=True, blank=True)
    used_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "channel", "store"],
                condition=models.Q(is_active=True),
                nulls_distinct=False,
                name="one_active_account_per_channel",
            )
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def profile(self) -> Profile:
        """What this account's contract says. Raises ``ProfileInvalid``."""
        return channels.profile(self.channel, self.profile_overrides)

    @property
    def usable_profile(self) -> Profile:
        """The same for pages and verdicts: where an entry cannot be read, the channel's usual contract. Payouts are held then."""
        return channels.usable_profile(self.channel, {**self.profile_overrides, **self.measured})

    @property
    def credentials(self) -> dict[str, str]:
        loaded: dict[str, str] = json.loads(self.sealed_credentials or "{}")
        return loaded

    def set_credentials(self, credentials: dict[str, Any]) -> None:
        self.sealed_credentials = json.dumps(credentials)
