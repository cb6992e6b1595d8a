"""Days of reconciliation for clients: both totals, counts by kind, the differences that are open."""

from __future__ import annotations

from datetime import date
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas, schemas_figures
from api.fields import StrictSerializer
from api.serializers import CHANNELS
from api.views import Endpoint
from merchants.rights import Act
from reconciliation import days, differences
from reconciliation.models.difference import Resolution

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


class Reconciliations(Endpoint):
    """How a day compares with the channels' statements."""

    acts = {"GET": Act.SEE_RECONCILIATION}

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
