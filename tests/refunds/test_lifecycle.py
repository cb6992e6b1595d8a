"""The only door: what one state change writes, what it refuses, and that all of it or nothing happens."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone

from core import doorbell
from core.audit.actors import SYSTEM
from core.audit.models import AuditEvent
from core.errors import Conflict, NotFound
from merchants import principals
from merchants.principals import of_staff
from payment_channels.contract import Retry
from refunds import lifecycle
from refunds.intake import judging, resubmitting
from refunds.intake.resubmitting import Correction
from refunds.lifecycle import AlreadyChanged, Move, OverRefund, WrongState
from refunds.models import Execution, OutboxMessage, RefundRequest
from refunds.payouts import ways_back
from tests.api.conftest import session_for
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.refunds.settled import failed

pytestmark = pytest.mark.django_db


def _move(request: RefundRequest, transition: str, version: int | None = None, **arguments: object) -> Move:
    return Move(request.pk, transition, SYSTEM, timezone.now(), version, arguments)


def test_one_change_writes_state_event_and_outbox_row_together() -> None:
    request = make_request(make_sale(make_merchant()))
    changed = lifecycle.advance(request.pk, "cancel", by=SYSTEM, at=timezone.now(), message="")
    assert (changed.state, changed.version) == ("cancelled", 4)
    event = AuditEvent.objects.get(object_id=str(request.pk), version=4)
    assert (event.from_state, event.to_state, event.action) == ("approved", "cancelled", "refund.cancel")
    assert OutboxMessage.objects.get(request_id=request.pk, version=4).topic == "refund_request.cancelled"
    Execution.objects.update(state="cancelled", due_at=None, ended_at=timezone.now())


def test_wrong_version_state_and_id_change_nothing() -> None:
    request = make_request(make_sale(make_merchant()))
    events = AuditEvent.objects.count()
    with pytest.raises(AlreadyChanged) as changed:
        lifecycle.advance_many([_move(request, "start_execution", version=2)])
    assert changed.value.facts == {"state": "approved", "version": 3}
    with pytest.raises(WrongState, match="cannot reject"):
        lifecycle.advance_many([_move(request, "reject", reason="no_proof", message="")])
    with pytest.raises(NotFound):
        lifecycle.advance(uuid4(), "close", by=SYSTEM, at=timezone.now())
    assert AuditEvent.objects.count() == events
    assert RefundRequest.objects.get(pk=request.pk).version == 3


def test_many_changes_are_one_or_none() -> None:
    sale = make_sale(make_merchant())
    first, second = make_request(sale, 100), make_request(sale, 100)
    with pytest.raises(WrongState):
        lifecycle.advance_many([_move(first, "start_execution"), _move(second, "close")])
    assert set(RefundRequest.objects.values_list("state", flat=True)) == {"approved"}


def test_failure_gives_amount_and_pieces_back_and_retry_takes_them_again() -> None:
    merchant = make_merchant()
    sale = make_sale(merchant)
    request = failed(make_request(sale, 1_200))
    sale.refresh_from_db()
    assert (sale.reserved_fen, request.reserved_fen) == (0, 0)
    finance = make_staff(merchant, "finance")
    again = ways_back.retry(request_id=request.pk, by=of_staff(finance), at=timezone.now(), version=request.version)
    sale.refresh_from_db()
    assert (again.state, sale.reserved_fen, Execution.objects.get().state) == ("approved", 1_200, "ready")


@pytest.mark.parametrize("how", ["retry", "resubmit"])
def test_what_was_spent_elsewhere_meanwhile_cannot_be_taken_again(how: str) -> None:
    merchant = make_merchant()
    sale = make_sale(merchant, 10_000)
    request = failed(make_request(sale, 6_000))
    make_request(sale, 5_000)
    finance = make_staff(merchant, "finance")
    now = timezone.now()
    again: dict[str, Callable[[], object]] = {
        "retry": partial(ways_back.retry, request_id=request.pk, by=of_staff(finance), at=now, version=request.version),
        "resubmit": partial(
            resubmitting.resubmit, request_id=request.pk, correction=Correction(), by=of_staff(finance), at=now
        ),
    }
    with pytest.raises((OverRefund, judging.PolicyRefused)) as refused:
        again[how]()
    assert refused.value.code == "exceeds_refundable"
    assert RefundRequest.objects.get(pk=request.pk).state == "failed"


def test_what_the_channel_will_always_refuse_is_not_sent_again() -> None:
    merchant = make_merchant()
    request = failed(make_request(make_sale(merchant)), retry=Retry.NEVER)
    with pytest.raises(Conflict) as refused:
        ways_back.retry(
            request_id=request.pk,
            by=of_staff(make_staff(merchant, "finance")),
            at=timezone.now(),
            version=request.version,
        )
    assert refused.value.code == "retry_is_no_use"


@pytest.mark.django_db(transaction=True)
def test_bell_that_breaks_never_undoes_the_change(monkeypatch: pytest.MonkeyPatch) -> None:
    request = make_request(make_sale(make_merchant()))

    def broken(_tasks: object) -> None:
        raise RuntimeError("no bell")

    monkeypatch.setattr(doorbell, "ring", broken)
    ways_back.cancel(request_id=request.pk, by=principals.SYSTEM, at=timezone.now())
    assert RefundRequest.objects.get(pk=request.pk).state == "cancelled"


@pytest.mark.django_db(transaction=True)
def test_after_the_commit_the_bells_for_the_next_step_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr(doorbell, "ring", rung.extend)
    request = make_request(make_sale(make_merchant()))
    assert sorted(rung) == ["refunds.execute", "refunds.notify"]
    rung.clear()
    ways_back.cancel(request_id=request.pk, by=principals.SYSTEM, at=timezone.now())
    assert rung == ["refunds.notify"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.urls("tests.api_urls")
def test_fifty_approvals_at_once_make_one_approval() -> None:
    """Ten people press at the same moment, five times each: one transition, the others are told that they were late."""
    merchant = make_merchant()
    request = make_request(make_sale(merchant, 50_000), 30_000)
    sessions = [session_for(make_staff(merchant, "reviewer")) for _ in range(10)]
    threads = 10
    barrier = Barrier(threads)

    def press(number: int) -> int:
        try:
            if number < threads:
                barrier.wait(timeout=60)
            answer = sessions[number % 10].post(f"refund-requests/{request.pk}/approve", {"version": 3})
            return int(answer.status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(press, range(50)))
    assert sorted(answers) == [200] + [409] * 49
    assert RefundRequest.objects.get(pk=request.pk).version == 4
    assert Execution.objects.filter(request=request).count() == 1
    assert request.approvals.count() == 1
