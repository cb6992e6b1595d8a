"""How the customer found it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from refunds.models.request import RefundRequest


class RatingReason(models.TextChoices):
    """What a score is about."""

    SPEED = "speed", _("How fast it went")
    STAFF = "staff", _("How I was treated")
    CLARITY = "clarity", _("How clear it was")
    AMOUNT = "amount", _("The amount")
    EFFORT = "effort", _("How much I had to do")


class Survey(models.Model):
    """One answer a request: 1 to 5, what it is about (``RatingReason``), and a few words."""

    request = models.OneToOneField(RefundRequest, on_delete=models.PROTECT, related_name="survey")
    score = models.PositiveSmallIntegerField()
    reasons = ArrayField(models.CharField(max_length=20), default=list)
    comment = models.TextField(blank=True, max_length=500)
    at = models.DateTimeField()

    walled_by = "request"

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(score__gte=1, score__lte=5), name="survey_score_1_to_5")]

    def __str__(self) -> str:
        return f"{self.score}/5"
