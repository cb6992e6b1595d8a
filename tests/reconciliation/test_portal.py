"""The portal paid it back an hour ago: the channel is asked, one press takes it into the books, nobody is told otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from merchants.principals import of_staff
from payment_channels.contract import Outcome, Refused, Retry, Trade, TradeReference, TradeState, Unknown
from reconciliation import differences, matching, portal
from reconciliation.models import Difference
from reconciliation.portal import NothingToAdopt
from refunds import payouts
from refunds.lifecycle import WrongState
from refunds.models import LedgerEntry, RefundRequest
from refunds.payouts import redirecting, trade_queries, ways_back
from refunds.telling import payout_words
from refunds.telling.stands import Stand
from terminals.models import Transaction
from tests.api.conftest import session_for
from tests.factories import make_merchant, make_request, make_sale, make_staff, submit
from tests.reconciliation.world import DAY, World
from tests.refunds import plans
from tests.refunds.payouts.test_doubt import Scripted
from tests.refunds.settled import failed

pytestmark = pytest.mark.django_db

_REFUSED = Refused(code="MORE", message="more than is left", retry=Retry.NEVER, remedy="check_amount")


class _Channel(Scripted):
    def __init__(
        self, refund: Outcome, *, refunded_fen: int | None, state: TradeState = TradeState.PARTLY_REFUNDED
    ) -> None:
        super().__init__([refund])
        self.refunded_fen, self.state = refunded_fen, state

    def query_trade(self, reference: TradeReference) -> Trade | Unknown:
        return Trade(
            payment_no=reference.order_no,
            channel_transaction_no=reference.channel_transaction_no,
            amount_fen=10_000,
            state=self.state,
            refunded_fen=self.refunded_fen,
            raw="{}",
        )


def _refused(channel: _Channel, sale: Transaction, amount_fen: int = 6_000) -> RefundRequest:
    request, now = submit(sale, amount_fen), timezone.now()
    (claimed,) = payouts.claim(limit=1, at=now)
    payouts.settle([payouts.ask(claimed, channel)], at=now)
    return RefundRequest.objects.get(pk=request.pk)


@pytest.fixture
def sale() -> Transaction:
    return make_sale(make_merchant(), 10_000)


def _asked_again(monkeypatch: pytest.MonkeyPatch, channel: _Channel) -> None:
    monkeypatch.setattr(trade_queries, "adapter_for", lambda *_: channel)


@pytest.mark.parametrize(
    ("refunded_fen", "state", "remedy"),
    [
        (6_000, TradeState.PARTLY_REFUNDED, "refunded_elsewhere"),
        (None, TradeState.REFUNDED, "refunded_elsewhere"),
        (None, TradeState.REVERSED, "refunded_elsewhere"),
        (0, TradeState.PAID, "check_amount"),
        (None, TradeState.PAID, "check_amount"),
    ],
)
def test_ask_when_less_is_left_the_payment_is_asked_about(
    sale: Transaction, refunded_fen: int | None, state: TradeState, remedy: str
) -> None:
    request = _refused(_Channel(_REFUSED, refunded_fen=refunded_fen, state=state), sale)
    payout = request.executions.get()
    assert (request.state, payout.failure_remedy) == ("failed", remedy)
    if remedy == "refunded_elsewhere":
        assert "refunded in its portal" in payout.failure_message
    # Nobody is told that the money is still with the store.
    told = payout_words.story(request, now=timezone.now())
    assert (told.stand, told.note) == (Stand.ELSEWHERE, "")


def test_ask_when_only_our_own_refunds_took_it_says_nothing_of_a_portal(sale: Transaction) -> None:
    submit(sale, 6_000)
    (first,) = payouts.claim(limit=1, at=timezone.now())
    assert first.others_fen == 0
    request = _refused(_Channel(_REFUSED, refunded_fen=6_000), sale, 4_000)
    assert request.executions.get().failure_remedy == "check_amount"


def test_adopt_takes_it_into_the_books_and_closes_the_refused_one_against_it(
    sale: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = _Channel(_REFUSED, refunded_fen=7_000)
    request = _refused(channel, sale)
    _asked_again(monkeypatch, channel)
    client = Client()
    client.force_login(make_staff(sale.merchant, "finance"), backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/desk/refunds/{request.number}").content.decode()
    assert f"/desk/refunds/{request.number}/adopt" in page
    client.post(f"/desk/refunds/{request.number}/adopt", {"version": str(request.version)})
    adopted = RefundRequest.objects.exclude(pk=request.pk).get()
    closed = RefundRequest.objects.get(pk=request.pk)
    sale.refresh_from_db()
    assert (adopted.state, adopted.refunded_fen, sale.refunded_fen, sale.refundable_fen) == (
        "refunded",
        7_000,
        7_000,
        3_000,
    )
    assert closed.state == "cancelled"
    assert adopted.number in closed.message_to_customer
    assert LedgerEntry.objects.filter(execution__request=adopted, kind="payout").count() == 2
    # Pressed twice: once.
    with pytest.raises(WrongState):
        portal.adopt(request_id=request.pk, by=of_staff(make_staff(sale.merchant, "finance")), at=timezone.now())
    assert RefundRequest.objects.count() == 2


def test_adopt_when_it_covers_a_part_leaves_the_refused_one_to_be_corrected(
    sale: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = _Channel(_REFUSED, refunded_fen=5_000)
    request = _refused(channel, sale)
    _asked_again(monkeypatch, channel)
    portal.adopt(request_id=request.pk, by=of_staff(make_staff(sale.merchant, "finance")), at=timezone.now())
    sale.refresh_from_db()
    assert (RefundRequest.objects.get(pk=request.pk).state, sale.refundable_fen) == ("failed", 5_000)


def test_adopt_when_the_channel_does_not_say_how_much_waits_for_the_statement(
    sale: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = _Channel(_REFUSED, refunded_fen=None, state=TradeState.REFUNDED)
    request = _refused(channel, sale)
    _asked_again(monkeypatch, channel)
    with pytest.raises(NothingToAdopt):
        portal.adopt(
            request_id=request.pk,
            by=of_staff(make_staff(sale.merchant, "finance")),
            at=timezone.now() + timedelta(hours=1),
        )
    assert RefundRequest.objects.get().state == "failed"


def _asked_and_adopted(world: World, sale: Transaction, monkeypatch: pytest.MonkeyPatch, fen: int) -> RefundRequest:
    channel = _Channel(_REFUSED, refunded_fen=fen)
    request = _refused(channel, sale)
    _asked_again(monkeypatch, channel)
    return portal.adopt(request_id=request.pk, by=of_staff(world.finance), at=timezone.now())


def test_adopt_when_a_statement_had_it_before_finds_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    sale = world.sale()
    world.imported(world.portal(sale, 7_000))
    assert Difference.objects.get().resolution == ""
    adopted = _asked_and_adopted(world, sale, monkeypatch, 7_000)
    difference = Difference.objects.get()
    assert (difference.resolution, adopted.executions.get().bill_lines.count()) == ("cleared", 1)
    sale.refresh_from_db()
    assert (sale.refunded_fen, world.day().matched) == (7_000, 1)


def test_adopt_of_lines_when_the_channels_word_named_their_sum_takes_none_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    sale = world.sale()
    _asked_and_adopted(world, sale, monkeypatch, 5_000)
    rows = [world.portal(sale, fen, f"PORTAL-{fen}") for fen in (2_000, 3_000, 1_000)]
    world.imported(*rows)
    lines = {row.bill_fen: row.pk for row in Difference.objects.filter(kind="channel_only")}
    by, at = of_staff(world.finance), timezone.now()
    for fen in (2_000, 3_000):
        with pytest.raises(differences.CannotAdopt) as refused:
            differences.adopt(difference_id=lines[fen], note="", by=by, at=at)
        assert refused.value.code == "adopt_in_books"
        differences.resolve(difference_id=lines[fen], resolution="accepted", note="of the sum", by=by, at=at)
    differences.adopt(difference_id=lines[1_000], note="", by=by, at=at)
    sale.refresh_from_db()
    assert sale.refunded_fen == 6_000


def test_adopt_of_sale_when_a_refund_waits_in_review_takes_all_of_the_portals_and_the_word_fits_the_books(
    sale: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = submit(sale, 3_000, reason="goodwill")
    assert waiting.state == "in_review"
    channel = _Channel(_REFUSED, refunded_fen=6_000)
    _asked_again(monkeypatch, channel)
    client = Client()
    client.force_login(make_staff(sale.merchant, "finance"), backend="django.contrib.auth.backends.ModelBackend")
    address = f"/desk/transactions/{sale.pk}"
    assert f"{address}/adopt" not in client.get(address).content.decode()
    client.post(f"{address}/ask")
    assert f"{address}/adopt" in client.get(address).content.decode()
    client.post(f"{address}/adopt")
    sale.refresh_from_db()
    assert (sale.refunded_fen, sale.refundable_fen, sale.payment_word) == (6_000, 1_000, "paid")
    # Pressed twice: once. And where no room is left beside what waits, that is decided first.
    client.post(f"{address}/adopt")
    channel.refunded_fen = 10_000
    client.post(f"{address}/adopt")
    sale.refresh_from_db()
    assert (sale.refunded_fen, RefundRequest.objects.count()) == (6_000, 2)


@pytest.mark.parametrize(("refunded_fen", "state"), [(20_000, "refunded"), (15_000, "partially_refunded")])
def test_adopt_when_a_leg_was_refunded_in_the_portal_takes_its_place(
    monkeypatch: pytest.MonkeyPatch, refunded_fen: int, state: str
) -> None:
    order = plans.order_of_two()
    request = plans.ask(order[0])
    channel, first = _Channel(_REFUSED, refunded_fen=refunded_fen), request.executions.get(sequence=1)
    (claimed,) = (one for one in payouts.claim(limit=2, at=timezone.now()) if one.execution_id == first.pk)
    payouts.settle([payouts.ask(claimed, channel)], at=timezone.now())
    request = plans.answer(request, 2)
    assert request.state == "partially_refunded"
    _asked_again(monkeypatch, channel)
    client = Client()
    client.force_login(make_staff(request.merchant, "finance"), backend="django.contrib.auth.backends.ModelBackend")
    address = f"/desk/refunds/{request.number}"
    assert f"{address}/adopt" in client.get(address).content.decode()
    client.post(f"{address}/adopt", {"version": str(request.version)})
    request = RefundRequest.objects.get(pk=request.pk)
    assert (request.state, request.refunded_fen) == (state, 10_000)
    adopted = 20_000 if state == "refunded" else 0
    assert plans.held(*order) == [(20_000, adopted, 1), (10_000, 10_000, 1)]


# --- by the channel's statement ---


def _adopted(world: World) -> RefundRequest:
    return differences.adopt(
        difference_id=Difference.objects.get().pk, note="", by=of_staff(world.finance), at=timezone.now()
    )


def test_adopt_of_a_line_when_ours_failed_over_its_amount_closes_it_and_it_cannot_be_sent_again() -> None:
    world = World()
    sale = world.sale()
    request = failed(make_request(sale, 1_200))
    world.imported(world.portal(sale, 1_200))
    adopted = _adopted(world)
    request = RefundRequest.objects.get(pk=request.pk)
    assert request.state == "cancelled"
    assert adopted.number in request.message_to_customer
    with pytest.raises(WrongState):
        ways_back.retry(request_id=request.pk, by=of_staff(world.finance), at=timezone.now(), version=request.version)
    sale.refresh_from_db()
    assert (sale.reserved_fen, sale.refunded_fen) == (1_200, 1_200)


@pytest.mark.parametrize(("remedy", "state"), [("refunded_elsewhere", "cancelled"), ("check_rules", "failed")])
def test_adopt_of_a_line_over_more_closes_only_what_was_refused_because_of_it(remedy: str, state: str) -> None:
    world = World()
    sale = world.sale()
    request = failed(make_request(sale, 1_200))
    request.executions.update(failure_remedy=remedy)
    world.imported(world.portal(sale, 10_000))
    _adopted(world)
    sale.refresh_from_db()
    assert (RefundRequest.objects.get(pk=request.pk).state, sale.refunded_fen) == (state, 10_000)


@pytest.mark.parametrize("amounts", [(1_300,), (1_200, 1_200)])
def test_adopt_of_a_line_when_it_may_be_another_closes_nothing(amounts: tuple[int, ...]) -> None:
    world = World()
    sale = world.sale()
    requests = [failed(make_request(sale, amount)) for amount in amounts]
    world.imported(world.portal(sale, 1_200))
    _adopted(world)
    assert {RefundRequest.objects.get(pk=one.pk).state for one in requests} == {"failed"}


def test_adopt_of_a_line_when_a_leg_failed_over_its_amount_gives_the_leg_up_and_never_pays_it_twice() -> None:
    world = World(merchant=make_merchant(rules=plans.WIDE))
    order = plans.payments_of(world.merchant, world.account)
    request = plans.ask(order[0])
    plans.answer(request, 2)
    request = plans.answer(request, 1, "refused")
    world.imported(world.portal(order[0], 20_000))
    adopted = _adopted(world)
    request = RefundRequest.objects.get(pk=request.pk)
    assert (adopted.refunded_fen, request.state, request.refunded_fen) == (20_000, "refunded", 10_000)
    assert plans.held(*order) == [(20_000, 20_000, 1), (10_000, 10_000, 1)]


# --- the statement alone knows of it ---


def _says_not_how_much() -> _Channel:
    return _Channel(_REFUSED, refunded_fen=None, state=TradeState.PAID)


@pytest.mark.parametrize("statement_first", [True, False])
@pytest.mark.parametrize("amounts", [(6_000,), (2_500, 3_500)])
def test_adopt_when_the_statement_alone_names_what_the_portal_refunded_takes_its_rows(
    monkeypatch: pytest.MonkeyPatch, amounts: tuple[int, ...], statement_first: bool
) -> None:
    """Alipay and UnionPay say of no payment how much of it was refunded."""
    world = World()
    sale = world.sale()
    rows = [world.portal(sale, fen, f"PORTAL-{fen}") for fen in amounts]
    channel = _says_not_how_much()
    if statement_first:
        world.imported(*rows)
    request = _refused(channel, sale, 5_000)
    _asked_again(monkeypatch, channel)
    client = Client(headers={"accept-language": "en"})
    client.force_login(world.finance, backend="django.contrib.auth.backends.ModelBackend")
    address = f"/desk/refunds/{request.number}"
    if not statement_first:
        assert f"{address}/adopt" not in client.get(address).content.decode()
        world.imported(*rows)
    # Whichever came first.
    assert request.executions.get().failure_remedy == "refunded_elsewhere"
    told = session_for(world.finance).get(f"refund-requests/{request.pk}").json()["executions"][0]["failure"]
    assert "已在其商户平台退款" in told["remedy"]
    assert f"{address}/adopt" in client.get(address).content.decode()

    client.post(f"{address}/adopt", {"version": str(request.version)})

    closed = RefundRequest.objects.get(pk=request.pk)
    sale.refresh_from_db()
    assert (closed.state, sale.refunded_fen, sale.reserved_fen) == ("cancelled", 6_000, 6_000)
    assert sorted(Difference.objects.values_list("bill_fen", "resolution")) == [
        (fen, "adopted") for fen in sorted(amounts)
    ]
    assert world.day().matched == len(amounts)


@pytest.mark.parametrize("remedy", matching.LESS_LEFT)
def test_refusal_after_the_statements_of_two_days_is_explained_by_both(remedy: str) -> None:
    world = World()
    sale = world.sale()
    world.imported(world.portal(sale, 2_500, "PORTAL-1"))
    world.imported(world.portal(sale, 3_500, "PORTAL-2"), day=DAY + timedelta(days=1))
    channel = _Channel(replace(_REFUSED, remedy=remedy), refunded_fen=None, state=TradeState.PAID)
    request = _refused(channel, sale, 5_000)
    assert request.executions.get().failure_remedy == "refunded_elsewhere"
    assert portal.can_adopt(request, request.executions.get())


def test_adopt_when_the_statements_row_does_not_explain_the_refusal_is_not_offered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    sale = world.sale()
    channel = _says_not_how_much()
    request = _refused(channel, sale, 5_000)
    world.imported(world.portal(sale, 1_000))
    assert request.executions.get().failure_remedy == "check_amount"
    assert not portal.can_adopt(request, request.executions.get())
    _adopted(world)
    sale.refresh_from_db()
    assert (RefundRequest.objects.get(pk=request.pk).state, sale.refunded_fen) == ("failed", 1_000)


@pytest.mark.parametrize("word", ["CHANGE", "退款异常"])
def test_adopt_of_a_line_that_the_channel_cannot_deliver_is_one_of_ours_that_is_stuck(word: str) -> None:
    world = World()
    sale = world.sale()
    day = world.imported(world.portal(sale, 2_000, succeeded_at=None, state=word))
    assert (day.channel_only, day.bill_fen, Difference.objects.get().bill_fen) == (1, 2_000, 2_000)
    client = Client(headers={"accept-language": "en"})
    client.force_login(world.finance, backend="django.contrib.auth.backends.ModelBackend")
    difference = Difference.objects.get()
    address = f"/desk/reconciliation/{world.account.code}/{day.date}?difference={difference.pk}"
    assert "another account can be named" in " ".join(client.get(address).content.decode().split())

    said = client.post(
        f"/desk/reconciliation/differences/{difference.pk}/adopt", {"confirmed": "1"}, follow=True
    ).content.decode()

    assert "name another account there" in said
    adopted = RefundRequest.objects.get()
    payout = adopted.executions.get()
    assert (payout.state, payout.needs_attention, payout.refund_no) == ("processing", True, "PORTAL-1")
    assert payout_words.story(adopted, now=timezone.now()).stand is Stand.STUCK
    sale.refresh_from_db()
    assert (sale.reserved_fen, sale.refunded_fen) == (2_000, 0)
    again = world.day()
    assert (again.pending, again.channel_only, again.bill_fen) == (1, 0, 0)
    assert redirecting.can_be_sent_elsewhere(payout)


def test_adopt_of_a_line_that_was_delivered_since_is_paid_once_the_channel_says_so() -> None:
    world = World()
    sale = world.sale()
    world.imported(world.portal(sale, 2_000, succeeded_at=None, state="ABNORMAL"))
    adopted = _adopted(world)
    (claimed,) = payouts.claim(limit=5, at=timezone.now())
    assert not claimed.send
    payout = adopted.executions.get()
    world.succeed(payout, at=timezone.now())
    sale.refresh_from_db()
    assert (RefundRequest.objects.get().state, sale.refunded_fen) == ("refunded", 2_000)
