"""Refusals that say no more than that less is left are put before the rooms that may know why, once, and no others."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import pytest
from django.utils import timezone

from payment_channels.contract import Refused, Retry
from refunds import payouts
from refunds.models import Execution, RefundRequest
from refunds.payouts import Answer, explaining
from tests.factories import make_merchant, make_sale, submit

pytestmark = pytest.mark.django_db


def _refused(request: RefundRequest, remedy: str) -> Execution:
    payouts.claim(limit=5, at=timezone.now())
    payout = request.executions.get()
    said = Refused(code="NO", message="no", retry=Retry.NEVER, remedy=remedy)
    payouts.settle([Answer(payout.pk, request.pk, payout.channel_account_id, said, "answer")], at=timezone.now())
    return request.executions.get()


@pytest.mark.parametrize(
    ("remedy", "asked"),
    [("check_amount", 1), ("sale_state", 1), ("refunded_already", 1), ("risk", 0), ("other_route", 0)],
)
def test_settle_when_less_is_left_asks_why_after_it_is_written_down(
    monkeypatch: pytest.MonkeyPatch, remedy: str, asked: int
) -> None:
    heard: list[list[tuple[str, str]]] = []

    def explain(found: Collection[UUID]) -> None:
        heard.append(list(Execution.objects.filter(pk__in=found).values_list("state", "failure_remedy")))

    monkeypatch.setattr(explaining, "EXPLAINS", [explain])
    payout = _refused(submit(make_sale(make_merchant()), 1_200), remedy)
    assert heard == [[("failed", remedy)]] * asked
    assert payout.failure_remedy == remedy


def test_every_room_that_reads_statements_explains() -> None:
    assert [one.__module__ for one in explaining.EXPLAINS] == ["reconciliation.matching"]
