"""A day as rows to take away."""

from __future__ import annotations

import pytest

from reconciliation import export
from tests.reconciliation.world import World, on_day

pytestmark = pytest.mark.django_db


def test_rows_are_the_statements_then_those_only_we_have_then_those_in_flight() -> None:
    world = World()
    matched, ours_only = world.paid(1_200), world.paid(1_300, at=on_day(13))
    in_flight = world.in_flight(1_400, at=on_day(14))
    day = world.imported(world.row(matched), world.portal(world.sale(), 500))

    rows = list(export.rows(day=day))

    assert [row.kind for row in rows] == ["matched", "channel_only", "ours_only", "pending"]
    assert [row.refund_no for row in rows] == [matched.refund_no, "PORTAL-1", ours_only.refund_no, in_flight.refund_no]
    assert [(row.ours_fen, row.bill_fen) for row in rows] == [(1_200, 1_200), (None, 500), (1_300, None), (None, None)]
    assert rows[0].request_number == world.request_of(matched).number
    assert rows[1].request_number is None
