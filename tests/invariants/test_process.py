"""The scheduled run: a process of its own, one at a time, and by the hour only what has changed where history is long."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from invariants import alone, inspection, process
from invariants.alone import AlreadyRunning
from tests.factories import RULES, make_merchant, make_request, make_sale, seal_events
from tests.owner import as_owner

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.breaks_invariants]


@pytest.fixture
def somebody_else() -> Iterator[None]:
    """Another session runs the invariants."""
    found = connection.settings_dict
    other = psycopg2.connect(
        host=found["HOST"],
        port=found["PORT"],
        user=found["USER"],
        password=found["PASSWORD"],
        dbname=found["NAME"],
    )
    with other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [alone._LOCK])
        yield
    other.close()


@pytest.mark.usefixtures("child_reads_this_database")
def test_run_when_all_hold_ends_with_0_and_when_one_does_not_with_1() -> None:
    request = make_request(make_sale(make_merchant()))
    assert process.run(whole=False) == 0
    with as_owner(silent=True) as cursor:
        cursor.execute("UPDATE terminals_transaction SET reserved_fen = 1 WHERE id = %s", [request.transaction_id])
    assert process.run(whole=False) == 1


@pytest.mark.usefixtures("somebody_else")
def test_check_when_another_runs_is_refused() -> None:
    with pytest.raises(AlreadyRunning):
        inspection.check()
    with pytest.raises(CommandError, match="right now"):
        call_command("check_invariants")


def test_hourly_run_when_a_step_was_planted_since_the_last_finds_it() -> None:
    old = make_request(make_sale(make_merchant()))
    seal_events()
    assert inspection.check(whole=True, remember=True) == []
    assert inspection.check(whole=False) == []
    new = make_request(make_sale(make_merchant()))
    with as_owner(silent=True) as cursor:
        cursor.execute("DELETE FROM refunds_outboxmessage WHERE request_id IN (%s, %s)", [old.pk, new.pk])
    seal_events()
    by_the_hour = {breach.what.split(": ")[-1] for breach in inspection.check(whole=False) if breach.code == "I16"}
    by_night = {breach.what.split(": ")[-1] for breach in inspection.check(whole=True) if breach.code == "I16"}
    assert by_the_hour == {str(new.pk)}
    assert by_night == {str(old.pk), str(new.pk)}


def _found(code: str, *, whole: bool) -> set[str]:
    return {breach.what.split(": ")[-1] for breach in inspection.check(whole=whole) if breach.code == code}


def test_hourly_run_when_a_days_sum_is_passed_counts_what_was_approved_before_the_last_run() -> None:
    """Two refunds of one customer: the one before the last run, the other after it, each within the limit."""
    merchant = make_merchant(rules={**RULES, "auto_customer_day_limit_fen": 1_500})
    sales = [make_sale(merchant, phone="13800138000") for _ in range(2)]
    first = make_request(sales[0], 1_000)
    seal_events()
    assert inspection.check(whole=True, remember=True) == []
    second = make_request(sales[1], 400)
    seal_events()
    assert _found("I19", whole=False) == set()
    with as_owner(silent=True) as cursor:
        cursor.execute(
            "UPDATE refunds_refundrequest SET approved_fen = 600, amount_fen = 600 WHERE id = %s", [second.pk]
        )
    assert first.by_rule
    assert second.by_rule
    assert _found("I19", whole=False) == _found("I19", whole=True) == {min(first.number, second.number)}
