"""How the customer found it."""

from django.db import models
from django.db.models import Q

from refunds.models.request import RefundRequest


class Survey(models.Model):
    """One answer a request: 1 to 5, and a few words."""

    request = models.OneToOneField(RefundRequest, on_delete=models.PROTECT, related_name="survey")
    score = models.PositiveSmallIntegerField()
    comment = models.TextField(blank=True, max_length=500)
    at = models.DateTimeField()

    walled_by = "request"

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(score__gte=1, score__lte=5), name="survey_score_1_to_5")]

    def __str__(self) -> str:
        return f"{self.score}/5"
