"""Staff and their roles."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.audit.actors import Actor, ActorKind
from merchants.models.merchant import Merchant, Store


class Role(models.TextChoices):
    CASHIER = "cashier", _("Cashier")
    REVIEWER = "reviewer", _("Reviewer")
    MANAGER = "manager", _("Manager")
    FINANCE = "finance", _("Finance")
    OWNER = "owner", _("Owner")


class StaffManager(BaseUserManager["Staff"]):
    """Finds staff by user name."""


class Staff(AbstractBaseUser):
    """A person who works for a merchant. No stores named means all of them."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="staff")
    username = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=60)
    role = models.CharField(max_length=20, choices=Role.choices)
    stores = models.ManyToManyField(Store, blank=True, related_name="staff")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    objects: ClassVar[StaffManager] = StaffManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.name

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.STAFF, str(self.pk), self.name)
