"""The figures of a period for clients, each with its n and basis."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from analytics import periods
from analytics.figures import Overview, Payouts, Share, Side, Spread, UnknownStore, narrowed
from analytics.overview import overview, payouts
from analytics.periods import BadPeriod, Period
from api import schemas
from api import schemas_figures as shapes
from api.fields import Number, StrictSerializer, Text
from api.serializers import CHANNELS
from api.views import Endpoint
from core import clock
from core.codes import words_of_field
from core.database.timeouts import reports
from merchants.rights import Act

#: What places a refund in the period: the money's return, its submission, or the sale's payment.
_SUCCESS, _SUBMISSION, _SALE = "succeeded_at", "created_at", "paid_at"
_REPEAT = "succeeded_at + 90 days"


class SummaryQuery(StrictSerializer):
    """Days as ``yyyy-mm-dd`` in Asia/Shanghai, both included; nothing named is the last 30."""

    store = Number(required=False, max_length=20)
    channel = serializers.ChoiceField(CHANNELS, required=False)

    def get_fields(self) -> dict[str, Any]:
        """``from`` is no name that a class body could hold."""
        return {"from": Text(required=False), "to": Text(required=False), **super().get_fields()}


class AnalyticsSummary(Endpoint):
    """The figures of a period, with those of the period before."""

    acts = {"GET": Act.SEE_ANALYTICS}

    @extend_schema(parameters=[SummaryQuery], responses={200: shapes.SummaryOut, **schemas.READ_PROBLEMS})
    @reports
    def get(self, request: Request) -> Response:
        """Refund rate, handling, payouts, satisfaction and their cuts; every share with its n, None where there is none."""
        asked = self.read_query(SummaryQuery)
        try:
            period = periods.parse(first=asked.get("from", ""), last=asked.get("to", ""), now=clock.now())
            scope = narrowed(
                merchant_id=self.caller.merchant_id,
                store_ids=self.caller.store_ids,
                store_code=asked.get("store", ""),
                channel=asked.get("channel", ""),
            )
        except (BadPeriod, UnknownStore) as error:
            raise serializers.ValidationError(
                {item.field: [serializers.ErrorDetail(words_of_field(item), code=item.code)] for item in error.errors}
            ) from error
        figures = overview(scope=scope, period=period)
        paid_out = payouts(scope=scope, period=period)
        return Response(_summary(figures, period, paid_out, store=asked.get("store"), channel=asked.get("channel")))


def _summary(
    figures: Overview, period: Period, paid_out: dict[bool, Payouts], *, store: str | None, channel: str | None
) -> dict[str, Any]:
    return shapes.SummaryOut.of(
        period,
        store=store,
        channel=channel,
        current=_side(figures.current, paid_out[True]),
        previous=_side(figures.previous, paid_out[False]),
        reasons=[shapes.ReasonFigureOut.of(row.paid, reason=row.reason) for row in figures.reasons],
        failures=shapes.FailureFigureOut.all_of(figures.failures),
        stores=[
            shapes.StoreFigureOut.of(
                row.paid,
                store=row.code,
                refund_rate=_share(row.refund_rate, _SUCCESS, n=row.sold.count),
                approved_by_rule=_share(row.submitted.by_rule_share, _SUBMISSION),
                handling_s=_spread(row.handling),
            )
            for row in figures.stores
        ],
        channels=[
            shapes.ChannelFigureOut.of(
                row, success=_share(row.submitted.success, _SUBMISSION), arrival_s=_spread(row.arrival)
            )
            for row in figures.channels
        ],
    )


def _side(side: Side, paid_out: Payouts) -> dict[str, Any]:
    done = side.submitted
    return shapes.SideOut.of(
        side,
        refunded=shapes.BasedCountOut.of(side.paid, basis=_SUCCESS),
        sales=shapes.BasedCountOut.of(side.sold, basis=_SALE),
        refund_rate=_share(side.refund_rate, _SUCCESS, n=side.sold.count),
        cohort_rate=_share(side.cohort_rate, _SALE, n=side.sold.count),
        void_rate=_share(Share(paid_out.voids, side.sold.count), _SUBMISSION),
        instant=_share(side.instant_share, _SUCCESS),
        submitted=shapes.SubmittedOut.of(done, basis=_SUBMISSION),
        approved_by_rule=_share(done.by_rule_share, _SUBMISSION),
        rejected=_share(Share(done.rejected, done.decided), _SUBMISSION),
        on_time=_share(done.on_time, _SUBMISSION),
        first_pass=_share(Share(paid_out.first_pass, paid_out.ended), _SUBMISSION),
        repeat_customers=_share(side.repeat, _REPEAT),
        handling_s=_spread(side.handling),
        arrival_s=_spread(side.arrival),
        cycle_s=_spread(side.cycle),
        satisfaction=shapes.SatisfactionOut.of(
            side.answers,
            satisfied=_share(side.answers.satisfied, _SUCCESS),
            answered=_share(side.answers.answered, _SUCCESS),
        ),
    )


def _share(share: Share, basis: str, *, n: int | None = None) -> dict[str, Any]:
    """A ratio from 0 to 1. Of money, ``n`` is the number of sales; else it is what the share is of."""
    return shapes.ShareOut.of(share, n=share.whole if n is None else n, basis=basis)


def _spread(spread: Spread) -> dict[str, Any]:
    return shapes.SpreadOut.of(spread, basis=_SUBMISSION)
