"""What a request was judged on, each time that it was."""

from django.db import models

from merchants.models import Merchant, PolicyVersion
from refunds.models.request import RefundRequest


class Occasion(models.TextChoices):
    SUBMISSION = "submission"
    RESUBMISSION = "resubmission"
    REROUTE = "reroute"
    APPROVAL = "approval"
    CONFIRMATION = "confirmation"


class Judgement(models.Model):
    """One judgement, never changed: from ``facts`` and the rules of ``policy_version`` the same verdict comes again, of this
    ``digest``. ``facts`` is the canonical text of ``refunds.rules.facts``, kept as it was written. Apart from the request, so
    that lists do not carry it.
    """

    pk = models.CompositePrimaryKey("request_id", "sequence")
    # db_constraint=False: it is stored by the statement that stores the request, and none of them is ever deleted.
    request = models.ForeignKey(
        RefundRequest, on_delete=models.PROTECT, related_name="judgements", db_index=False, db_constraint=False
    )
    sequence = models.SmallIntegerField()
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    occasion = models.CharField(max_length=12, choices=Occasion.choices)
    at = models.DateTimeField()
    facts = models.TextField()
    digest = models.CharField(max_length=64)

    append_only = True

    def __str__(self) -> str:
        return f"{self.request_id}/{self.sequence}"
