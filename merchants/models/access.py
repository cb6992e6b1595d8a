"""Ways into the desk: links that set a password, resets that take two people, and the browsers that are signed in."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from merchants.models.merchant import Merchant
from merchants.models.staff import Staff


class Invitation(models.Model):
    """A link by which this person sets their password, once and until ``expires_at``: the first one (``is_reset`` False: they say
    their name, too), or a new one. ``token_hash`` is SHA-256 of 256 random bits. ``made_by`` None: ``manage.py``.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT)
    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="invitations")
    is_reset = models.BooleanField(default=False)
    token_hash = models.BinaryField(max_length=32, unique=True)
    made_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["staff"], condition=Q(used_at=None, revoked_at=None), name="invitation_one_open"
            )
        ]

    def __str__(self) -> str:
        return f"{self.staff_id} until {self.expires_at:%Y-%m-%d %H:%M}"


class ResetKind(models.TextChoices):
    PASSWORD = "password", _("Password")
    SECOND_FACTOR = "second_factor", _("Second factor")
    REQUIREMENT = "requirement", _("Second factor for everybody who decides")


class AccessReset(models.Model):
    """What two people do to the way in of a third: one asks, another confirms until ``expires_at``. Without ``staff`` it is the
    merchant's requirement of a second factor that is given up.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT)
    staff = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="resets")
    kind = models.CharField(max_length=20, choices=ResetKind.choices)
    asked_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    confirmed_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("asked_by")), name="reset_by_two_people"
            ),
            models.CheckConstraint(
                condition=Q(staff=None)
                | (~Q(staff=F("asked_by")) & (Q(confirmed_by=None) | ~Q(staff=F("confirmed_by")))),
                name="reset_not_of_oneself",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.staff_id}"


class StaffSession(models.Model):
    """A browser in which somebody has signed in. It is over when Django's own row is gone or the account's ``session_epoch`` has
    moved on; ``factor`` is the kind of second factor that was shown, "" for none.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT)
    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="sessions")
    session_key = models.CharField(max_length=40, unique=True)
    epoch = models.PositiveIntegerField()
    address = models.CharField(max_length=60, blank=True)
    browser = models.CharField(max_length=200, blank=True)
    factor = models.CharField(max_length=20, blank=True)
    signed_in_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.staff_id} from {self.address}"
