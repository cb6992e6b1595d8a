"""Days of reconciliation for clients: both totals, counts by kind, the differences that are open."""

from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas, schemas_figures
from api.evidence import TakesAFile
from api.fields import StrictSerializer, Text
from api.schemas_refunds import RefundRequestOut, stored_request_json
from api.serializers import CHANNELS
from api.views import Endpoint
from core import clock
from core.errors import DomainError, NotFound
from merchants.rights import Act
from reconciliation import days, differences, refusals, uploading
from reconciliation.models.difference import Resolution
from refunds import queries

#: A day of a large chain has ten megabytes.
MAX_UPLOAD_BYTES = 100_000_000
#: Differences listed with a day; ``open_differences`` counts all.
_SHOWN = 500


class Day(serializers.DateField):
    """``yyyy-mm-dd`` and nothing else."""

    def to_internal_value(self, value: Any) -> date:
        if not isinstance(value, str) or len(value) != 10:
            self.fail("invalid", format="YYYY-MM-DD")
        day: date = super().to_internal_value(value)
        return day


class ReconciliationQuery(StrictSerializer):
    """One bill day, of all channel accounts or of one channel."""

    date = Day()
    channel = serializers.ChoiceField(CHANNELS, required=False)


class StatementUpload(StrictSerializer):
    """A file as the channel's portal hands it out: the day's statement, or its fund flow once that is there."""

    account = Text(max_length=64)
    date = Day()
    file = serializers.FileField(allow_empty_file=True)


class Reconciliations(TakesAFile):
    """How a day compares with the channels' statements."""

    acts = {"GET": Act.SEE_RECONCILIATION, "POST": Act.TAKE_STATEMENT}
    max_body_bytes = MAX_UPLOAD_BYTES

    @extend_schema(
        parameters=[ReconciliationQuery], responses={200: schemas_figures.ReconciliationsOut, **schemas.READ_PROBLEMS}
    )
    def get(self, request: Request) -> Response:
        """One entry an account: totals in fen, counts by kind, differences that were not cleared. Whole merchant only."""
        asked = self.read_query(ReconciliationQuery)
        found = days.days_of(merchant_id=self.caller.merchant_id).filter(date=asked["date"])
        if channel := asked.get("channel"):
            found = found.filter(channel_account__channel=channel)
        rows = list(found.order_by("channel_account__channel", "channel_account__code"))
        open_ones = _differences(self.caller.merchant_id, [row.pk for row in rows])
        return Response(
            {
                "results": [
                    schemas_figures.ReconciliationOut.of(row, differences=open_ones.get(row.pk, [])[:_SHOWN])
                    for row in rows
                ]
            }
        )

    @schemas.operation("upload_statement", schemas_figures.ReconciliationOut, form=StatementUpload, besides=(413, 415))
    def post(self, request: Request) -> Response:
        """Take in a file that a person got from the portal: finance, managers and owners in their session. The same content again
        changes nothing, so that no key is needed. A refusal says what the file is instead, and nothing of it stays.
        """
        asked = self.read(StatementUpload)
        account = days.accounts_of(merchant_id=self.caller.merchant_id).filter(code=asked["account"]).first()
        if account is None:
            raise NotFound("there is no such channel account")
        if asked["date"] >= timezone.localdate():
            raise serializers.ValidationError(
                {"date": [serializers.ErrorDetail(_("the day is not over"), code="invalid")]}
            )
        try:
            uploading.upload(
                account=account, day=asked["date"], file=asked["file"].file, by=self.caller.by, at=clock.now()
            )
        except DomainError as error:
            # The file is what the caller can mend: the sentence says what it is.
            error.message = refusals.sentence(error) or error.message
            error.facts = {name: str(value) for name, value in error.facts.items()}
            raise
        found = days.day_for(merchant_id=self.caller.merchant_id, account_code=account.code, day=asked["date"])
        open_ones = _differences(self.caller.merchant_id, [found.pk]).get(found.pk, [])
        return Response(schemas_figures.ReconciliationOut.of(found, differences=open_ones[:_SHOWN]))


class AdoptionSerializer(StrictSerializer):
    """What is noted with the adoption."""

    note = Text(max_length=differences.NOTE_MAX, required=False, default="", allow_blank=True)


class DifferenceAdoption(Endpoint):
    """Take a refund that the channel's statement alone has into the books."""

    acts = {"POST": Act.ADOPT}

    @schemas.operation("adopt_difference", RefundRequestOut, takes=AdoptionSerializer)
    def post(self, request: Request, difference_id: int) -> Response:
        """The statement's line is the proof: it becomes a refund of ours, paid already, and one of ours that failed because of it
        is closed. 409 where nothing of it can become one (`cannot_adopt`, `adopt_no_sale`, `adopt_in_books` and the like), or
        where somebody was faster (`already_resolved`).
        """
        note = self.read(AdoptionSerializer)["note"]
        adopted = differences.adopt(difference_id=difference_id, note=note, by=self.caller.by, at=clock.now())
        return Response(
            stored_request_json(queries.request_for(merchant_id=self.caller.merchant_id, request_id=adopted.pk))
        )


def _differences(merchant_id: int, day_ids: list[int]) -> dict[int, list[dict[str, Any]]]:
    found = (
        differences.differences_of(merchant_id=merchant_id)
        .filter(day_id__in=day_ids)
        .exclude(resolution=Resolution.CLEARED)
        .order_by("resolution", "pk")
    )
    by_day: dict[int, list[dict[str, Any]]] = {}
    for row in found[: _SHOWN * max(1, len(day_ids))]:
        by_day.setdefault(row.day_id, []).append(schemas_figures.DifferenceOut.of(row))
    return by_day
