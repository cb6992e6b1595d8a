"""What a merchant says of time beside each store's hours: other days than the calendar's, and the grace after a disaster."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.calendar import DayKind
from merchants.models.merchant import Merchant
from merchants.models.staff import Staff


class CalendarDay(models.Model):
    """A day that is another than the statutory calendar says, or than it knows yet."""

    KINDS = (
        (DayKind.HOLIDAY.value, _("Public holiday")),
        (DayKind.WORKDAY.value, _("Make-up workday")),
        (DayKind.ORDINARY.value, _("Ordinary day")),
    )

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="calendar_days", db_index=False)
    date = models.DateField()
    kind = models.CharField(max_length=10, choices=KINDS)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant", "date"], name="calendar_day_once")]

    def __str__(self) -> str:
        return f"{self.date} {self.kind}"


class Grace(models.Model):
    """More time after a disaster: what is asked for or would fall due from ``starts_at`` to ``ends_at``, in these stores
    (None: in all), has ``hours`` more. Ended early, ``ends_at`` is that moment.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    store_ids = ArrayField(models.BigIntegerField(), null=True, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    hours = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=200)
    declared_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    declared_at = models.DateTimeField()
    ended_by = models.ForeignKey(
        Staff, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gte=F("starts_at")), name="grace_ends_after_it_starts"),
            models.CheckConstraint(condition=Q(hours__gte=1, hours__lte=360), name="grace_hours_in_reason"),
        ]
        indexes = [models.Index(fields=["merchant", "ends_at"], name="grace_merchant")]

    def __str__(self) -> str:
        return f"{self.hours} h until {self.ends_at}"

    def state(self, at: datetime) -> str:
        """``to_come``, ``now`` or ``over``."""
        return "over" if self.ends_at <= at else "now" if self.starts_at <= at else "to_come"
