"""One wish, one payout: whatever key, tab, face or day the same comes by again, a person looks at it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from merchants.principals import of_staff
from payment_channels.contract import Unknown
from refunds import payouts
from refunds.facts import duplicates
from refunds.goods import offers
from refunds.intake import submitting
from refunds.intake.claims import Draft
from refunds.models import Execution, RefundRequest
from refunds.payouts import Answer, ways_back
from refunds.payouts.ways_back import AskedAnew
from refunds.review import deciding
from refunds.states import ExecutionState
from terminals.models import Transaction, TransactionLine
from tests.api.conftest import api_for
from tests.factories import RULES, at_the_till, make_merchant, make_sale, make_staff, submit
from tests.refunds import plans
from tests.refunds.limited import at_once
from tests.refunds.settled import failed, paid

pytestmark = pytest.mark.django_db

#: What a till sends of the same thing.
_AGAIN: dict[str, dict[str, Any]] = {
    "another key": {},
    "another description": {"description": "面板开裂, 客人在等"},
    "another reason": {"reason": "service_failure"},
    "an article named by one of them only": {"lines": [{"sku": "AF-4L", "quantity": 1}]},
    "by the customer's phone as well": {"customer": {"phone": "13800006021"}},
}


def _sale(**fields: Any) -> Transaction:
    sale = make_sale(make_merchant(), 60_000, **fields)
    sale.lines.all().delete()
    for position, (sku, worth) in enumerate([("AF-4L", 40_000), ("CUP", 20_000)], start=2):
        TransactionLine.objects.create(
            transaction=sale,
            position=position,
            sku=sku,
            name=sku,
            quantity=2,
            unit_price_fen=worth // 2,
            amount_fen=worth,
        )
    return sale


def _body(sale: Transaction, **fields: Any) -> dict[str, Any]:
    named = {} if "order_no" in fields else {"transaction": str(sale.pk)}
    return {"amount_fen": 9_000, "reason": "quality", "customer_consent": True, **named, **fields}


def _verdict_line(answer: Any) -> dict[str, Any] | None:
    rules: list[dict[str, Any]] = answer.json()["verdict"]["rules"]
    return next((rule for rule in rules if rule["code"] == "possible_duplicate"), None)


@pytest.mark.parametrize(
    ("again", "code"),
    [
        ({"amount_fen": 60_000}, "exceeds_refundable"),
        ({"amount_fen": 30_000, "lines": [{"sku": "AF-4L", "quantity": 2}]}, "exceeds_quantity"),
    ],
)
def test_submit_when_nothing_is_left_for_the_second_wish_the_refusal_names_the_first(
    again: dict[str, Any], code: str
) -> None:
    sale = _sale()
    api = api_for(sale.merchant)
    lines = [{"sku": "AF-4L", "quantity": 2}]
    asked = {"amount_fen": 60_000} if code == "exceeds_refundable" else {"amount_fen": 20_000, "lines": lines}
    first = api.post("refund-requests", _body(sale, **asked)).json()

    refused = api.post("refund-requests", _body(sale, **again))

    told = refused.json()
    assert (refused.status_code, told["code"], told["number"]) == (422, code, first["number"])
    assert first["number"] in told["errors"][0]["message"]
    page = Client()
    page.force_login(make_staff(sale.merchant, "cashier"))
    pieces = {f"lines-{line.pk}": "2" for line in sale.lines.filter(sku="AF-4L") if "lines" in again}
    form = {
        "sale": str(sale.pk),
        "reason": "quality",
        "amount": str(again["amount_fen"] // 100),
        "consent": "1",
        **pieces,
    }
    assert first["number"] in page.post("/desk/new", {**form, "idempotency_key": "k"}).content.decode()


@pytest.mark.parametrize("fields", _AGAIN.values(), ids=_AGAIN)
def test_submit_when_the_same_was_asked_before_a_person_looks_and_reads_the_first_ones_number(
    fields: dict[str, Any],
) -> None:
    sale = _sale()
    api = api_for(sale.merchant)
    first = api.post("refund-requests", _body(sale)).json()
    again = api.post("refund-requests", _body(sale, **fields))
    assert (again.status_code, again.json()["state"]) == (201, "in_review")
    line = _verdict_line(again)
    assert line is not None
    assert (line["passed"], line["actual"]) == (False, first["number"])
    assert first["number"] in line["explanation"]
    assert Execution.objects.count() == 1


def test_submit_by_order_number_and_on_another_payment_of_the_order_is_the_same_wish() -> None:
    sale = _sale(order_no="A-1")
    api = api_for(sale.merchant)
    first = api.post("refund-requests", _body(sale)).json()
    by_order_no = api.post("refund-requests", _body(sale, order_no="A-1"))
    other_payment = make_sale(sale.merchant, 60_000, order_no="A-1")
    on_it = api.post("refund-requests", _body(other_payment))
    for again in (by_order_no, on_it):
        line = _verdict_line(again)
        assert line is not None
        assert (again.json()["state"], line["actual"]) == ("in_review", first["number"])
    # Another order of the same number: some tills count from 1 every morning.
    yesterday = make_sale(sale.merchant, 60_000, order_no="A-1", paid_at=sale.paid_at - timedelta(days=1))
    assert api.post("refund-requests", _body(yesterday)).json()["state"] == "approved"


def _hangs(request: RefundRequest) -> None:
    (claimed,) = payouts.claim(limit=1, at=timezone.now())
    silence = Unknown(code="timeout", message="no answer")
    payouts.settle(
        [Answer(claimed.execution_id, request.pk, claimed.account_id, silence, "answer", turn=claimed.turn)],
        at=timezone.now(),
    )


@pytest.mark.parametrize("comes_to", [_hangs, paid], ids=["unknown at the channel", "paid"])
def test_submit_beside_one_that_hangs_or_was_paid_days_ago_goes_to_a_person(
    comes_to: Callable[[RefundRequest], Any],
) -> None:
    sale = _sale(paid_at=timezone.now() - timedelta(days=4))
    first = submit(sale, 9_000)
    comes_to(first)
    RefundRequest.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(days=3))
    again = api_for(sale.merchant).post("refund-requests", _body(sale))
    line = _verdict_line(again)
    assert line is not None
    assert (again.json()["state"], line["actual"]) == ("in_review", first.number)
    assert Execution.objects.count() == 1


def test_submit_at_the_desk_what_a_till_asked_for_goes_to_a_person_unless_ticked_as_another() -> None:
    sale = _sale()
    first = api_for(sale.merchant).post("refund-requests", _body(sale, amount_fen=6_000)).json()
    client = Client()
    client.force_login(make_staff(sale.merchant, "cashier"), backend="django.contrib.auth.backends.ModelBackend")
    form = {"sale": str(sale.pk), "amount": "60.00", "reason": "quality", "consent": "1"}
    quoted = client.post("/desk/new/quote", form).content.decode()
    assert first["number"] in quoted
    assert 'name="is_another"' in client.get("/desk/new", {"sale": str(sale.pk)}).content.decode()
    client.post("/desk/new", {**form, "idempotency_key": "k1"})
    client.post("/desk/new", {**form, "idempotency_key": "k2", "is_another": "1", "another_note": "第二只也裂了"})
    states = list(RefundRequest.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["approved", "in_review", "approved"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"lines": [{"sku": "AF-4L", "quantity": 1}]}, {"lines": [{"sku": "CUP", "quantity": 1}]}),
        (
            {"lines": [{"sku": "CUP", "quantity": 1}]},
            {"lines": [{"sku": "CUP", "quantity": 1}, {"sku": "AF-4L", "quantity": 1}]},
        ),
        ({}, {"amount_fen": 9_001}),
        ({}, {"is_another": True, "note": "第二只也裂了"}),
    ],
    ids=["other articles", "more articles", "another amount", "said to be another"],
)
def test_submit_when_it_is_honestly_another_it_passes_by_rule(first: dict[str, Any], second: dict[str, Any]) -> None:
    sale = _sale()
    api = api_for(sale.merchant)
    for fields in (first, second):
        answer = api.post("refund-requests", _body(sale, **fields))
        assert (answer.status_code, answer.json()["state"]) == (201, "approved"), answer.json()


def test_submit_when_said_to_be_another_the_limits_still_count_the_sum() -> None:
    sale = _sale()
    api = api_for(sale.merchant)
    states = [api.post("refund-requests", _body(sale, is_another=True)).json()["state"] for _ in range(3)]
    assert states == ["approved", "approved", "in_review"]


def _cancelled(request: RefundRequest) -> None:
    ways_back.cancel(
        request_id=request.pk, by=at_the_till(request.transaction, staff_id=request.staff_id), at=timezone.now()
    )


@pytest.mark.parametrize("let_go", [_cancelled, failed], ids=["cancelled", "failed"])
def test_same_as_when_the_first_was_let_go_of_stands_against_nothing(
    let_go: Callable[[RefundRequest], Any],
) -> None:
    sale = _sale()
    first = submit(sale, 9_000)
    assert [same.number for same in duplicates.same_as(transaction_id=sale.pk, amount_fen=9_000)] == [first.number]
    assert duplicates.same_as_request(first) == []
    let_go(first)
    assert duplicates.same_as(transaction_id=sale.pk, amount_fen=9_000) == []


@pytest.mark.django_db(transaction=True)
def test_submit_when_the_same_is_asked_many_times_at_once_one_is_approved_by_rule() -> None:
    sale = _sale(order_no="A-2")
    other = make_sale(sale.merchant, 60_000, order_no="A-2")
    by = at_the_till(sale)

    def ask(transaction: Transaction) -> str:
        draft = Draft(amount_fen=4_000, reason="quality", transaction_id=transaction.pk)
        return str(submitting.submit(draft=draft, by=by, at=timezone.now()).request.state)

    states = at_once([partial(ask, sale), partial(ask, other)] * 4, width=8)
    assert Counter(states) == {"approved": 1, "in_review": 7}
    assert Execution.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_submit_when_different_things_of_one_order_are_asked_at_once_all_are_judged_by_rule() -> None:
    sale = _sale()
    by = at_the_till(sale)

    def ask(amount_fen: int) -> str:
        draft = Draft(amount_fen=amount_fen, reason="quality", transaction_id=sale.pk)
        return str(submitting.submit(draft=draft, by=by, at=timezone.now()).request.state)

    states = at_once([partial(ask, fen) for fen in range(1_000, 1_006)], width=6)
    assert Counter(states) == {"approved": 6}


def test_retry_when_the_same_was_asked_anew_meanwhile_is_refused_and_nothing_leaves() -> None:
    sale = _sale()
    first = failed(submit(sale, 9_000))
    anew = submit(sale, 9_000, is_another=False)
    assert anew.state == "approved"
    finance = of_staff(make_staff(sale.merchant, "finance"))
    with pytest.raises(AskedAnew) as refused:
        ways_back.retry(request_id=first.pk, by=finance, at=timezone.now(), version=first.version)
    assert refused.value.facts["number"] == anew.number
    assert RefundRequest.objects.get(pk=first.pk).state == "failed"
    assert list(Execution.objects.filter(state=ExecutionState.READY).values_list("request_id", flat=True)) == [anew.pk]


def test_submit_when_a_till_knows_what_came_back_the_next_piece_passes_and_its_repeat_does_not() -> None:
    sale = _sale()
    TransactionLine.objects.filter(sku="CUP").update(quantity=4)
    api = api_for(sale.merchant)

    def ask(seen: float) -> str:
        lines = [{"sku": "CUP", "quantity": 1, "returned_quantity": seen}]
        return str(api.post("refund-requests", _body(sale, amount_fen=5_000, lines=lines)).json()["state"])

    # Sent twice, it knows of one too few.
    assert [ask(0), ask(1), ask(1)] == ["approved", "approved", "in_review"]


def test_submit_at_the_desk_when_the_page_showed_what_came_back_the_next_piece_passes() -> None:
    sale = _sale()
    client = Client()
    client.force_login(make_staff(sale.merchant, "cashier"), backend="django.contrib.auth.backends.ModelBackend")
    cup = sale.lines.get(sku="CUP")
    form = {"sale": str(sale.pk), "reason": "quality", "consent": "1", f"lines-{cup.pk}": "1"}
    client.post("/desk/new", {**form, "idempotency_key": "k1"})
    page = client.get("/desk/new", {"sale": str(sale.pk)}).content.decode()
    assert f'name="seen-{cup.pk}" value="1"' in page
    client.post("/desk/new", {**form, "idempotency_key": "k2", f"seen-{cup.pk}": "1"})
    assert list(RefundRequest.objects.values_list("state", "amount_fen")) == [("approved", 10_000)] * 2


_A, _C = {"sku": "AF-4L", "quantity": 1}, {"sku": "CUP", "quantity": 1}


@pytest.mark.parametrize(
    ("tellings", "others"),
    [
        # The whole on the customer's page, its articles one by one at the till; and the other way round.
        ([{"amount_fen": 9_000}, {"amount_fen": 6_000, "lines": [_A]}, {"amount_fen": 3_000, "lines": [_C]}], 1),
        ([{"amount_fen": 6_000, "lines": [_A]}, {"amount_fen": 3_000, "lines": [_C]}, {"amount_fen": 9_000}], 1),
        ([{"amount_fen": 6_000}, {"amount_fen": 9_000}, {"amount_fen": 3_000}], 2),
        # Both name articles, and these are others.
        (
            [
                {"amount_fen": 6_000, "lines": [_A]},
                {"amount_fen": 3_000, "lines": [_A]},
                {"amount_fen": 9_000, "lines": [_C]},
            ],
            0,
        ),
    ],
    ids=["in one, then in parts", "in parts, then in one", "a part, the whole, the rest", "other articles"],
)
def test_submit_when_a_wish_is_told_in_parts_the_last_of_it_goes_to_a_person(
    tellings: list[dict[str, Any]], others: int
) -> None:
    sale = _sale()
    api = api_for(sale.merchant)
    answers = [api.post("refund-requests", _body(sale, **told)) for told in tellings]
    line = _verdict_line(answers[-1])
    assert [answer.json()["state"] for answer in answers[:-1]] == ["approved", "approved"]
    if not others:
        assert (answers[-1].json()["state"], line) == ("approved", None)
        return
    assert line is not None
    assert (answers[-1].json()["state"], line["actual"]) == ("in_review", answers[others - 1].json()["number"])


def test_submit_when_each_payment_is_asked_back_after_the_order_the_last_goes_to_a_person() -> None:
    first, other = plans.order_of_two()
    plans.ask(first, 15_000)
    by_payment = [submit(one, fen, is_another=False) for one, fen in ((first, 10_000), (other, 5_000))]
    assert [request.state for request in by_payment] == ["approved", "in_review"]


@pytest.mark.parametrize(
    ("again", "state"),
    [
        ({"lines": [_A]}, "in_review"),
        ({}, "in_review"),
        ({"amount_fen": 100}, "in_review"),
        ({"lines": [_C]}, "approved"),
    ],
    ids=["the same article", "none is named", "another amount", "another article"],
)
def test_submit_when_the_goods_were_exchanged_their_money_is_for_a_person(again: dict[str, Any], state: str) -> None:
    sale = _sale()
    api = api_for(sale.merchant)
    asked = RefundRequest.objects.get(
        pk=api.post("refund-requests", _body(sale, amount_fen=20_001, lines=[_A])).json()["id"]
    )
    by = of_staff(make_staff(sale.merchant, "manager"))
    offers.offer(
        request_id=asked.pk, kind="exchange", message="换一台", by=by, at=timezone.now(), version=asked.version
    )
    offers.answer(request_id=asked.pk, accepted=True, by=by, at=timezone.now(), new_order_no="B-1")

    answer = api.post("refund-requests", _body(sale, **again))

    line = _verdict_line(answer)
    assert (answer.json()["state"], line and line["actual"]) == (state, asked.number if state == "in_review" else None)


def _of_three(*more: tuple[str, int]) -> Transaction:
    """A sale of a pan at 60.00, a cup at 30.00 and a spoon at 10.00, and more."""
    goods = [("PAN", 6_000), ("CUP", 3_000), ("SPOON", 1_000), *more]
    rules = {**RULES, "reasons": {**RULES["reasons"], "goodwill": {**RULES["reasons"]["quality"]}}}
    sale = make_sale(make_merchant(rules=rules), sum(fen for _, fen in goods))
    sale.lines.all().delete()
    for position, (sku, fen) in enumerate(goods, start=2):
        TransactionLine.objects.create(
            transaction=sale, position=position, sku=sku, name=sku, quantity=1, unit_price_fen=fen, amount_fen=fen
        )
    return sale


def _named(fen: int, *skus: str, **more: Any) -> dict[str, Any]:
    return {"amount_fen": fen, "lines": [{"sku": sku, "quantity": 1} for sku in skus], **more}


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [
        ({"amount_fen": 4_000}, _named(3_000, "CUP"), "in_review"),
        ({"amount_fen": 9_000}, _named(500, "CUP", reason="service_failure"), "in_review"),
        ({"amount_fen": 3_000}, _named(9_000, "PAN", "CUP"), "in_review"),
        (_named(4_000, "CUP", "SPOON"), {"amount_fen": 3_000}, "in_review"),
        (_named(3_000, "CUP"), {"amount_fen": 4_000}, "in_review"),
        ({"amount_fen": 4_000}, _named(6_000, "PAN"), "approved"),
        ({"amount_fen": 2_500}, _named(3_000, "CUP"), "approved"),
        (_named(3_000, "CUP"), {"amount_fen": 6_000}, "approved"),
        ({"amount_fen": 4_000, "reason": "goodwill"}, _named(3_000, "CUP"), "approved"),
        ({"amount_fen": 4_000}, _named(3_000, "CUP", is_another=True), "approved"),
    ],
    ids=[
        "a piece of what the sum was for",
        "some money for a piece of it",
        "the sum's piece and another",
        "pieces, then one of them as a sum",
        "a piece, then a sum with it",
        "a piece that is not in the sum",
        "a sum that no pieces come to",
        "a sum without the piece",
        "goodwill means no pieces",
        "said to be another",
    ],
)
def test_submit_when_one_names_a_sum_and_the_other_articles_of_it_a_person_looks(
    first: dict[str, Any], second: dict[str, Any], state: str
) -> None:
    sale = _of_three(("POT", 9_900))
    api = api_for(sale.merchant)
    before = api.post("refund-requests", _body(sale, **first)).json()
    answer = api.post("refund-requests", _body(sale, **second))
    line = _verdict_line(answer)
    assert (before["state"], answer.json()["state"]) == ("approved", state), answer.json()
    if state == "in_review":
        assert line is not None
        assert line["actual"] == before["number"]


def test_submit_when_the_last_piece_is_all_that_a_sum_has_left_it_passes() -> None:
    merchant = make_merchant()
    sale = make_sale(merchant, 6_000, quantity=6)
    api = api_for(merchant)
    lines = [{"sku": "SKU-1", "quantity": 1}]
    asked: list[dict[str, Any]] = [{"amount_fen": 4_000}, {"amount_fen": 1_000, "lines": lines, "is_another": True}]
    states = [api.post("refund-requests", _body(sale, **one)).json()["state"] for one in asked]
    assert states == ["approved", "approved"]
    rest = make_sale(merchant, 6_000, quantity=6)
    asked = [{"amount_fen": 5_000}, {"amount_fen": 1_000, "lines": lines}]
    states = [api.post("refund-requests", _body(rest, **one)).json()["state"] for one in asked]
    assert states == ["approved", "approved"]


@pytest.mark.parametrize("by_prices", [False, True])
def test_same_as_when_a_sum_is_of_prices_or_of_what_was_paid_finds_the_piece(*, by_prices: bool) -> None:
    sale = _of_three()
    sale.lines.create(
        position=9, sku="", name="九折", kind="discount", quantity=1, unit_price_fen=-1_000, amount_fen=-1_000
    )
    Transaction.objects.filter(pk=sale.pk).update(amount_fen=9_000)
    first = submit(sale, 4_000 if by_prices else 3_600)
    found = duplicates.same_as(transaction_id=sale.pk, amount_fen=2_700, reason="quality", pieces=[("CUP", 1)])
    assert [one.number for one in found] == [first.number]
    assert duplicates.same_as(transaction_id=sale.pk, amount_fen=5_400, reason="quality", pieces=[("PAN", 1)]) == []


def test_submit_at_the_desk_when_the_customer_asked_for_a_sum_its_piece_goes_to_a_person() -> None:
    sale = _of_three()
    first = submit(sale, 4_000)
    client = Client()
    client.force_login(make_staff(sale.merchant, "cashier"), backend="django.contrib.auth.backends.ModelBackend")
    cup = sale.lines.get(sku="CUP")
    form = {"sale": str(sale.pk), "amount": "30", "reason": "quality", "consent": "1", f"lines-{cup.pk}": "1"}
    assert first.number in client.post("/desk/new/quote", form).content.decode()
    client.post("/desk/new", {**form, "idempotency_key": "k1"})
    assert RefundRequest.objects.latest("pk").state == "in_review"


@pytest.mark.parametrize(
    ("again", "state"),
    [
        ({"amount_fen": 1_000}, "in_review"),
        ({"amount_fen": 900, "reason": "goodwill"}, "in_review"),
        ({"amount_fen": 1_000, "lines": [{"sku": "SPOON", "quantity": 1}]}, "in_review"),
        ({"amount_fen": 9_900, "lines": [{"sku": "POT", "quantity": 1}]}, "approved"),
    ],
    ids=["the rest", "some of it for another reason", "a piece of it", "more than the rest"],
)
def test_submit_when_a_person_approved_less_what_they_left_out_is_for_a_person(
    again: dict[str, Any], state: str
) -> None:
    sale = _of_three(("POT", 9_900))
    api = api_for(sale.merchant)
    asked = api.post("refund-requests", _body(sale, amount_fen=7_500, customer_consent=False)).json()
    request = RefundRequest.objects.get(pk=asked["id"])
    manager = of_staff(make_staff(sale.merchant, "manager"))
    deciding.approve(request_id=request.pk, by=manager, at=timezone.now(), version=request.version, amount_fen=6_500)

    answer = api.post("refund-requests", _body(sale, **again))

    line = _verdict_line(answer)
    assert (answer.json()["state"], line and line["actual"]) == (
        state,
        asked["number"] if state == "in_review" else None,
    )
