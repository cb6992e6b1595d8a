"""Staff and their roles."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.crypto import salted_hmac
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
    """A person who works for a merchant: in all of its stores where ``all_stores`` says so, else in those named, else in none.

    ``till_codes`` are the codes under which this person rings up sales. ``session_epoch`` is raised by the database each time the
    account is switched on or off or its role changes: every session from before is over, and stays so, as after a new password.
    ``limit_fen`` is the most that this person decides, whatever their role may (None: no limit of their own); ``language`` is
    the one that they chose, "" for their browser's.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="staff")
    username = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=60)
    role = models.CharField(max_length=20, choices=Role.choices)
    stores = models.ManyToManyField(Store, blank=True, related_name="staff")
    all_stores = models.BooleanField(default=False)
    till_codes = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    limit_fen = models.BigIntegerField(null=True, blank=True)
    language = models.CharField(max_length=10, blank=True, default="", db_default="")
    session_epoch = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    objects: ClassVar[StaffManager] = StaffManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(limit_fen=None) | models.Q(limit_fen__gt=0), name="staff_limit_positive"
            )
        ]

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.name

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.STAFF, str(self.pk), self.name)

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        if not self._state.adding:
            # A trigger may have raised it.
            self.refresh_from_db(fields=["session_epoch"])

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        # Called by Django for the hash that a session keeps, and for those under older secrets.
        salt = "merchants.models.staff.session"
        return salted_hmac(salt, f"{self.session_epoch}:{self.password}", secret=secret, algorithm="sha256").hexdigest()
