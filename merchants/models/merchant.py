"""Merchants and their stores."""

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class MerchantKind(models.TextChoices):
    RESTAURANT = "restaurant", _("Restaurant")
    RETAIL = "retail", _("Retail")


class Merchant(models.Model):
    """The tenant. Every other row belongs to exactly one.

    ``requires_second_factor``: nobody who decides, pays or manages people signs in by a password alone.
    Since ``requires_passkeys_since`` decisions that are signed are signed with a passkey; nothing takes that back.
    While ``keys_stopped_at`` is set no API key does anything; a store's is for those of the store, and for all others there.
    ``newest_software_version`` is that of its tills; "" where nobody has said it. Personal data of refunds and sales
    is erased after ``retention_days``; of those before ``erased_until`` it is.
    Who is named in ``checkpoints_to`` is mailed a signed checkpoint of the audit trail every day.

    ``sandbox_of``: not a merchant but the twin on which that one's test keys work. Its clock is ``clock_ahead`` of the time, and
    on its way to ``clock_target_at`` while that is set.
    """

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=20, choices=MerchantKind.choices)
    requires_second_factor = models.BooleanField(default=False, db_default=False)
    requires_passkeys_since = models.DateTimeField(null=True, blank=True)
    keys_stopped_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    retention_days = models.PositiveIntegerField(default=1095, db_default=1095)
    erased_until = models.DateTimeField(null=True, blank=True)
    checkpoints_to = models.EmailField(blank=True, default="", db_default="")
    checkpoint_mailed_at = models.DateTimeField(null=True, blank=True)
    newest_software_version = models.CharField(max_length=20, blank=True, default="", db_default="")
    sandbox_of = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="sandbox")
    clock_ahead = models.DurationField(default=timedelta, db_default=timedelta())
    clock_target_at = models.DateTimeField(null=True, blank=True)

    walled_by = "id"

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(sandbox_of__isnull=False) | Q(clock_ahead=timedelta(), clock_target_at=None),
                name="only_a_sandbox_has_a_clock",
            ),
            models.CheckConstraint(condition=Q(clock_ahead__gte=timedelta()), name="clock_never_behind"),
        ]

    def __str__(self) -> str:
        return self.name


class Store(models.Model):
    """A shop of the merchant. ``phone`` is the shop's own, shown to customers, as are ``opening_hours``; ``hours`` are those that
    clocks are counted in (``merchants.hours``), empty where they are not known. One that is closed takes no sale paid after
    ``closed_at``; its refunds go on.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="stores")
    code = models.CharField(max_length=20)
    name = models.CharField(max_length=80)
    phone = models.CharField(max_length=30, blank=True)
    opening_hours = models.CharField(max_length=40, blank=True)
    hours = models.JSONField(default=dict, blank=True, db_default={})
    keys_stopped_at = models.DateTimeField(null=True, blank=True)
    address = models.CharField(max_length=200, blank=True, default="", db_default="")
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant", "code"], name="store_code_once")]

    def __str__(self) -> str:
        return self.name
