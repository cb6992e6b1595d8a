"""Work that is handed out by itself: the merchant's settings, what each reviewer takes, and what was given to whom."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from merchants.models import Merchant, Staff
from refunds.models.request import RefundRequest

#: So many are on one desk at a time; more would only keep colleagues away.
MOST_ON_A_DESK = 10
SECOND_LOOKS_PERCENT = 3


class ReviewSettings(models.Model):
    """How a merchant's desk works; no row is as a new one. ``second_looks_percent``: of all decisions."""

    merchant = models.OneToOneField(Merchant, primary_key=True, on_delete=models.PROTECT, related_name="+")
    assigns = models.BooleanField(default=False)
    second_looks_percent = models.PositiveSmallIntegerField(
        default=SECOND_LOOKS_PERCENT, validators=[MaxValueValidator(100)]
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(second_looks_percent__lte=100), name="second_looks_are_a_share")
        ]

    def __str__(self) -> str:
        return f"review settings of {self.merchant_id}"


class Reviewer(models.Model):
    """What one person takes; no row is as a new one. No ``reasons`` or no ``languages``: all of them. ``takes_work`` False: they
    are given nothing by itself, and take what they want.
    """

    staff = models.OneToOneField(Staff, primary_key=True, on_delete=models.PROTECT, related_name="reviewer")
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    takes_work = models.BooleanField(default=True)
    most_on_desk = models.PositiveSmallIntegerField(default=MOST_ON_A_DESK)
    reasons = ArrayField(models.CharField(max_length=30), default=list, blank=True)
    languages = ArrayField(models.CharField(max_length=10), default=list, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(most_on_desk__gte=1, most_on_desk__lte=100), name="desk_holds_some")
        ]

    def __str__(self) -> str:
        return f"reviewer {self.staff_id}"


class Assignment(models.Model):
    """Given to a person by itself, in one round (``version``) at most once. ``ended_at``: not opened in time."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="+", db_index=False)
    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    version = models.PositiveIntegerField()
    at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "staff", "version"], name="assigned_once_a_round"),
        ]
        indexes = [
            models.Index(fields=["staff", "at"], name="assignment_unopened", condition=Q(opened_at=None, ended_at=None))
        ]

    def __str__(self) -> str:
        return f"{self.request_id} to {self.staff_id}"
