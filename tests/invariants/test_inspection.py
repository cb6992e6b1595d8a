"""Checking, and what is done with what was found."""

from __future__ import annotations

import pytest
from django.db import connection

from invariants import inspection
from refunds.models import RefundRequest
from tests.factories import make_request, make_sale
from tests.invariants.planting import plant

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_invariants]


def test_event_that_the_chain_passed_over_is_found(rows: dict[str, str]) -> None:
    """Written after its turn, as a transaction would be that the sealer did not wait for."""
    plant(
        "INSERT INTO core_auditevent (txid, merchant_id, at, actor_kind, actor_id, actor_name, action, object_type, "
        "object_id, from_state, to_state, data) VALUES (1, 1, now(), 'system', '', '', 'x', 'x', 'x', '', '', '{}')",
        [],
        rows,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_auditsealpoint (id, txid) VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET txid = 2"
        )
    assert any("passed over" in breach.what for breach in inspection.breaches())


def test_more_than_twenty_rows_do_not_drown_the_others(rows: dict[str, str]) -> None:
    merchant = RefundRequest.objects.all()[0].merchant
    for number in range(25):
        make_request(make_sale(merchant, cashier=f"K{number}"), 100)
    plant("DELETE FROM refunds_execution WHERE request_id = :approved OR amount_fen = 100", [], rows)
    plant("UPDATE terminals_transaction SET reserved_fen = reserved_fen - 1 WHERE id = :sale", [], rows)
    found = [breach.code for breach in inspection.breaches()]
    assert found.count("I14") == 20
    assert "I2" in found


def test_schedule_logs_a_breach_as_an_error(rows: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    plant("UPDATE terminals_transaction SET reserved_fen = reserved_fen - 1 WHERE id = :sale", [], rows)
    inspection.report(inspection.breaches())
    assert [(record.levelname, "I2" in record.message) for record in caplog.records if "broken" in record.message] == [
        ("ERROR", True)
    ]
