"""The feed: one order that only grows at its end, complete whatever its writers do."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connections, transaction
from django.utils import timezone

from core.audit.record import record_of
from core.errors import Forbidden
from integrations import feed
from integrations.feed import CursorExpired
from integrations.models import FeedEvent, WebhookDelivery
from merchants.principals import of_staff
from refunds.intake import batches
from refunds.intake.batches import Wish
from refunds.intake.claims import Draft
from refunds.review import deciding
from terminals import correcting, reporting
from terminals.correcting import SaleCorrection
from tests.factories import make_merchant, make_sale, make_staff, submit, till, works_in
from tests.integrations.faults import Writers, consume
from tests.integrations.rig import append, make_endpoint, take_all, tell
from tests.refunds import plans
from tests.terminals.test_reporting import SALE

_SEED = int(os.environ.get("FEED_SEED", "7"))


@pytest.mark.django_db(transaction=True)
def test_take_events_names_and_numbers_what_happened_to_sales_and_refunds() -> None:
    merchant = make_merchant()
    sale = make_sale(merchant, 33_980)
    request = submit(sale, 26_800)
    owner = of_staff(make_staff(merchant, "owner"))
    deciding.reject(
        request_id=request.pk,
        by=owner,
        at=timezone.now(),
        version=request.version,
        reason="not_covered",
        message="no",
    )
    correcting.correct_sale(
        transaction_id=sale.pk, correction=SaleCorrection(cashier="C9"), reason="slip", by=owner, at=timezone.now()
    )
    take_all()
    events = FeedEvent.objects.filter(merchant=merchant).order_by("sequence")
    told = [(one.type, one.sequence, one.version) for one in events]
    versions = [version for _, _, version in told if version]
    assert [sequence for _, sequence, _ in told] == list(range(1, len(told) + 1))
    assert versions == sorted(versions)
    assert [name for name, *_ in told][-2:] == ["refund_request.rejected", "transaction.corrected"]
    last = events[len(told) - 2]
    assert last.data == {
        "number": request.number,
        "order_no": sale.order_no,
        "store": sale.store.code,
        "from_state": "in_review",
        "state": "rejected",
    }
    assert {one.store_id for one in events if one.object_type != "policy_version"} == {sale.store_id}
    assert {one.type for one in events} <= set(feed.TYPES)


@pytest.mark.django_db(transaction=True)
def test_take_events_tells_a_batch_by_its_states_and_a_sandboxs_event_as_it_was_asked_for() -> None:
    merchant = make_merchant()
    sale = make_sale(merchant)
    by = of_staff(make_staff(merchant, "finance"))
    draft = Draft(transaction_id=sale.pk, amount_fen=100, reason="quality", customer_consent=True)
    batch = batches.file(name="x", wishes=[Wish(label="x", draft=draft)], by=by, at=timezone.now())
    batches.work()
    batches.cancel(batch_id=batch.pk, by=by, at=timezone.now())
    record_of(sale, by=by.actor, action="sandbox.event", at=timezone.now(), data={"type": "transaction.corrected"})
    take_all()
    told = FeedEvent.objects.filter(merchant=merchant).exclude(object_type="policy_version").order_by("sequence")
    names = [one.type for one in told]
    assert names == ["batch.checking", "batch.ready", "batch.cancelled", "transaction.corrected"]
    assert (told[0].object_id, told[0].data["state"]) == (str(batch.pk), "checking")
    assert set(names) <= set(feed.TYPES)


@pytest.mark.django_db(transaction=True)
def test_take_events_when_a_sale_is_reported_tells_it_once() -> None:
    merchant = make_merchant()
    for _ in range(2):
        reporting.report_sale(sale=SALE, by=replace(till(merchant), key_id=None), at=timezone.now())
    take_all()
    (event,) = FeedEvent.objects.filter(merchant=merchant, type="transaction.created")
    assert event.object_type == "transaction"


@pytest.mark.django_db(transaction=True)
def test_take_events_tells_each_leg_of_a_refund_in_several() -> None:
    first, _ = plans.order_of_two()
    request = plans.answer(plans.answer(plans.ask(first), 1), 2, "refused")
    take_all()
    events = FeedEvent.objects.filter(object_id=str(request.pk)).order_by("sequence")
    told = [(one.type.removeprefix("refund_request."), one.data.get("leg")) for one in events]
    assert ("leg.succeeded", 1) in told
    assert ("leg.failed", 2) in told or told[-1][0] == "failed"


@pytest.mark.breaks_invariants  # its events are of no refunds
@pytest.mark.django_db(transaction=True)
def test_take_events_when_an_older_transaction_runs_waits_for_it_and_passes_nothing() -> None:
    merchant_id = make_merchant().pk
    take_all()
    before = feed.last_sequence(merchant_id)
    began, end = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            append(merchant_id, object_id="00000000-0000-0000-0000-00000000000a")
            began.set()
            end.wait(60)
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    assert began.wait(60)
    append(merchant_id, object_id="00000000-0000-0000-0000-00000000000b")
    feed.take_events(at=timezone.now())
    assert feed.last_sequence(merchant_id) == before
    end.set()
    holder.join()
    take_all()
    found = FeedEvent.objects.filter(merchant_id=merchant_id, sequence__gt=before).order_by("sequence")
    assert [one.object_id[-1] for one in found] == ["a", "b"]


@pytest.mark.breaks_invariants  # its events are of no refunds
@pytest.mark.django_db(transaction=True)
def test_take_events_when_a_transaction_began_early_and_wrote_late_keeps_the_order_of_its_refund() -> None:
    """A transaction has its number from its first write. One that then waited for another's lock writes the later event."""
    merchant_id, object_id = make_merchant().pk, str(uuid4())
    early, wrote, end = threading.Event(), threading.Event(), threading.Event()

    def begins_first() -> None:
        with transaction.atomic():
            append(merchant_id)
            early.set()
            wrote.wait(60)
            append(merchant_id, object_id=object_id, version=3)
        connections.close_all()

    def holds_the_horizon() -> None:
        with transaction.atomic():
            append(merchant_id)
            early.set()
            end.wait(60)
        connections.close_all()

    first = threading.Thread(target=begins_first)
    first.start()
    assert early.wait(60)
    early.clear()
    holder = threading.Thread(target=holds_the_horizon)
    holder.start()
    assert early.wait(60)
    append(merchant_id, object_id=object_id, version=2)
    wrote.set()
    first.join()
    found = FeedEvent.objects.filter(object_id=object_id).order_by("sequence").values_list("version", flat=True)
    until = timezone.now() + timedelta(seconds=60)
    try:
        # Below the horizon is the later event alone, once no test beside us holds it lower.
        while not found.exists() and timezone.now() < until:
            feed.take_events(at=timezone.now())
        assert list(found) == [2, 3]
    finally:
        end.set()
        holder.join()
    take_all()
    assert FeedEvent.objects.filter(object_id=object_id).count() == 2
    sequences = (
        FeedEvent.objects.filter(merchant_id=merchant_id).order_by("sequence").values_list("sequence", flat=True)
    )
    assert list(sequences) == list(range(1, len(sequences) + 1))


@pytest.mark.breaks_invariants  # its events are of no refunds
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(_SEED, _SEED + int(os.environ.get("FEED_RUNS", "1"))))
def test_consumer_sees_each_event_once_in_order_while_many_write_and_connections_are_killed(seed: int) -> None:
    """`make feed-faults` is the same, larger."""
    merchant = make_merchant()
    writers = Writers(
        merchant_id=merchant.pk,
        seed=seed,
        writers=int(os.environ.get("FEED_WRITERS", "8")),
        events=int(os.environ.get("FEED_EVENTS", "400")),
        hold_s=float(os.environ.get("FEED_HOLD_S", "0.5")),
        kills=int(os.environ.get("FEED_KILLS", "3")),
        pace_s=float(os.environ.get("FEED_PACE_S", "0")),
    )
    # Before any connection is killed: only the consumer knows how to go on.
    reader = of_staff(make_staff(merchant, "owner"))
    writers.start()
    seen = consume(by=reader, until=writers.is_over)
    lag = writers.check(seen)
    sys.stdout.write(f"seed {seed}: {len(seen)} events, lag in seconds: {lag}\n")


@pytest.mark.breaks_invariants  # its events are of no refunds
@pytest.mark.django_db(transaction=True)
def test_take_events_queues_for_endpoints_what_they_want() -> None:
    merchant, other = make_merchant(), make_merchant()
    store = merchant.stores.create(code="S9", name="九")
    wants_all = make_endpoint(merchant)
    wants_one = make_endpoint(merchant, types=["refund_request.rejected"])
    make_endpoint(merchant, enabled=False)
    make_endpoint(merchant, store=store)
    make_endpoint(other)
    take_all()
    WebhookDelivery.objects.all().delete()
    for state in ("approved", "rejected"):
        append(merchant.pk, state=state)
    take_all()
    found = WebhookDelivery.objects.filter(endpoint__store=None).order_by("endpoint_id", "sequence")
    queued = [(one.endpoint_id, one.type) for one in found]
    assert queued == [
        (wants_all.pk, "refund_request.approved"),
        (wants_all.pk, "refund_request.rejected"),
        (wants_one.pk, "refund_request.rejected"),
    ]


@pytest.mark.django_db
def test_read_goes_on_after_a_number_and_filters_by_type_and_store() -> None:
    merchant = make_merchant()
    here, there = merchant.stores.get(), merchant.stores.create(code="S2", name="二")
    for store, name in (
        (here, "refund_request.approved"),
        (there, "refund_request.refunded"),
        (None, "policy.published"),
    ):
        tell(merchant, type=name, store=store)
    tell(make_merchant())
    owner, clerk = make_staff(merchant, "owner"), make_staff(merchant, "cashier")
    works_in(clerk, here)
    everything = feed.read(by=of_staff(owner), after=None, types=(), limit=2)
    assert [one.sequence for one in everything.events] == [1, 2]
    assert (everything.next, everything.has_more) == (2, True)
    rest = feed.read(by=of_staff(owner), after=2, types=(), limit=2)
    assert ([one.type for one in rest.events], rest.next, rest.has_more) == (["policy.published"], 3, False)
    mine = feed.read(by=of_staff(clerk), after=0, types=(), limit=10)
    assert [one.sequence for one in mine.events] == [1, 3]
    some = feed.read(by=of_staff(owner), after=0, types=["refund_request.refunded"], limit=10)
    assert ([one.sequence for one in some.events], some.next) == ([2], 3)


@pytest.mark.django_db
def test_read_when_the_number_is_no_events_or_is_no_longer_kept_is_refused() -> None:
    merchant = make_merchant()
    by = of_staff(make_staff(merchant, "owner"))
    for days in (100, 91, 1):
        tell(merchant, created_at=timezone.now() - timedelta(days=days))
    with pytest.raises(ValueError, match="number"):
        feed.read(by=by, after=4, types=(), limit=10)
    assert feed.forget_old(at=timezone.now()) == 2
    with pytest.raises(CursorExpired) as refusal:
        feed.read(by=by, after=1, types=(), limit=10)
    assert refusal.value.facts == {"oldest": "2"}
    assert [one.sequence for one in feed.read(by=by, after=2, types=(), limit=10).events] == [3]
    assert [one.sequence for one in feed.read(by=by, after=None, types=(), limit=10).events] == [3]


@pytest.mark.django_db
def test_read_by_a_key_without_sales_leaves_them_out_and_without_refunds_is_refused() -> None:
    merchant = make_merchant()
    tell(merchant, type="transaction.created")
    tell(merchant)
    key = replace(till(merchant), scopes=frozenset({"refunds:read"}))
    assert [one.sequence for one in feed.read(by=key, after=None, types=(), limit=9).events] == [2]
    with pytest.raises(Forbidden):
        feed.read(by=replace(key, scopes=frozenset({"transactions:read"})), after=None, types=(), limit=9)


@pytest.mark.django_db(transaction=True)
def test_wait_for_answers_when_something_happens_and_empty_when_nothing_does() -> None:
    merchant = make_merchant()
    by = of_staff(make_staff(merchant, "owner"))
    assert not feed.wait_for(by=by, after=None, types=(), limit=9, wait_s=0.3).events
    found: list[feed.Page] = []

    def wait() -> None:
        found.append(feed.wait_for(by=by, after=0, types=(), limit=9, wait_s=30))
        connections.close_all()

    waiting = threading.Thread(target=wait)
    waiting.start()
    tell(merchant)
    waiting.join(30)
    assert [one.sequence for one in found[0].events] == [1]


@pytest.mark.django_db
def test_wait_for_when_too_many_wait_answers_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    merchant = make_merchant()
    monkeypatch.setattr(feed, "_places", threading.BoundedSemaphore(1))
    feed._places.acquire()
    page = feed.wait_for(by=of_staff(make_staff(merchant, "owner")), after=None, types=(), limit=9, wait_s=30)
    assert page.come_back
    assert not page.events
