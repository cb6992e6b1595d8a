"""What is approved without a person in all: one after another and at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.calendar import SHANGHAI
from merchants.policies.rules import PolicyInvalid, read_rules
from merchants.principals import of_staff
from refunds.facts import sums
from refunds.models import RefundRequest, RunningSum
from refunds.review import deciding
from terminals.models import Transaction
from tests.api.conftest import api_for, session_for
from tests.factories import make_request, make_sale, make_staff
from tests.refunds.limited import LIMIT_100, ask, at_once, body, failing, post, sales, shop

pytestmark = pytest.mark.django_db


# --- of an order --------------------------------------------------------------------------------------------------------


def test_submit_when_an_order_comes_to_more_than_its_limit_a_person_decides() -> None:
    """268.00 asked as 90 + 90 + 88."""
    api = api_for(shop())
    sale = make_sale(api.merchant, 26_800)
    first, second, third = (ask(api, sale, amount) for amount in (9_000, 9_000, 8_800))
    assert [answer["state"] for answer in (first, second, third)] == ["approved", "in_review", "in_review"]
    assert failing(second)["auto_order_limit"] == ("180.00", "100.00")
    assert failing(third)["auto_order_limit"] == ("268.00", "100.00")


def test_submit_when_an_order_has_two_payments_both_count() -> None:
    api = api_for(shop())
    first, second = sales(api.merchant, 2, order_no="MIX-1")
    assert ask(api, first, 6_000)["state"] == "approved"
    answer = ask(api, second, 6_000)
    assert failing(answer) == {"auto_order_limit": ("120.00", "100.00")}


def test_submit_when_a_till_counts_from_one_every_morning_yesterdays_number_is_another_order() -> None:
    api = api_for(shop())
    today, yesterday = (
        sales(api.merchant, 1, order_no="0001", paid_at=timezone.now() - timedelta(days=days))[0] for days in (0, 1)
    )
    assert [ask(api, sale, 9_000)["state"] for sale in (today, yesterday)] == ["approved", "approved"]


def test_cancel_gives_no_automatic_room_back() -> None:
    api = api_for(shop())
    sale = make_sale(api.merchant, 26_800)
    first = ask(api, sale, 9_000)
    assert api.post(f"refund-requests/{first['id']}/cancel", {}).status_code == 200
    assert failing(ask(api, sale, 9_000))["auto_order_limit"] == ("180.00", "100.00")


def test_submit_after_a_rejection_of_the_sale_a_person_decides_whatever_is_asked() -> None:
    merchant = shop()
    sale = make_sale(merchant, 50_000)
    waiting = make_request(sale, 20_000)
    deciding.reject(
        request_id=waiting.pk,
        by=of_staff(make_staff(merchant, "manager")),
        at=timezone.now(),
        version=waiting.version,
        reason="suspected_abuse",
        message="无法确认",
    )
    for key, amount, reason in ((api_for(merchant), 1_000, "quality"), (api_for(merchant), 50, "service_failure")):
        answer = ask(key, sale, amount, reason=reason, cashier="C777")
        assert answer["state"] == "in_review"
        assert failing(answer) == {"order_not_rejected": ("yes", "no")}
    assert ask(api_for(merchant), sales(merchant, 1)[0], 1_000)["state"] == "approved"


def test_resubmit_of_a_rejected_one_is_not_approved_by_rule() -> None:
    merchant = shop()
    waiting = make_request(make_sale(merchant, 50_000), 20_000)
    manager = make_staff(merchant, "manager")
    deciding.reject(
        request_id=waiting.pk,
        by=of_staff(manager),
        at=timezone.now(),
        version=waiting.version,
        reason="suspected_abuse",
        message="无法确认",
    )
    answer = session_for(manager).post(f"refund-requests/{waiting.pk}/resubmit", {"amount_fen": 5_000})
    assert (answer.status_code, answer.json()["state"]) == (200, "in_review")


# --- of a customer, a cashier, a key --------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["13800006021", "+8613800006021", "86 138-0000-6021"])
def test_submit_when_a_customer_comes_to_more_than_the_days_limit_a_person_decides(typed: str) -> None:
    """By the payer's phone, or the one typed in, however it is typed."""
    api = api_for(shop())
    payer, other = sales(api.merchant, 1, phone="13800006021")[0], sales(api.merchant, 1)[0]
    assert ask(api, payer, 6_000)["state"] == "approved"
    answer = ask(api, other, 6_000, customer={"phone": typed})
    assert failing(answer) == {"auto_customer_day_limit": ("120.00", "100.00")}


def test_submit_when_only_the_cards_end_is_known_it_is_the_customer() -> None:
    api = api_for(shop())
    first, second = sales(api.merchant, 2, phone="", card_last4="6021")
    assert ask(api, first, 6_000)["state"] == "approved"
    assert failing(ask(api, second, 6_000)) == {"auto_customer_day_limit": ("120.00", "100.00")}


def test_submit_when_nobody_is_named_strangers_are_not_counted_together() -> None:
    """Neither phone nor cashier: what counts is the till's day."""
    api = api_for(shop(auto_cashier_day_count=2))
    answers = [ask(api, sale, 9_900) for sale in sales(api.merchant, 3, phone="", cashier="")]
    assert [answer["state"] for answer in answers] == ["approved", "approved", "in_review"]
    assert failing(answers[2]) == {"auto_cashier_day_count": ("3", "2")}


def test_submit_when_there_is_no_till_either_the_key_is_counted() -> None:
    merchant = shop(auto_cashier_day_count=1)
    nobody: dict[str, Any] = {"phone": "", "cashier": "", "terminal": None}
    first, second, third = sales(merchant, 3, **nobody)
    api = api_for(merchant)
    assert [ask(api, sale, 9_900)["state"] for sale in (first, second)] == ["approved", "in_review"]
    assert ask(api_for(merchant), third, 9_900)["state"] == "approved"


@pytest.mark.parametrize("spelled", [["c001"] * 4, ["C001", "c001", " C001 ", "Ｃ００１"]])
def test_submit_when_a_cashier_has_had_the_days_count_a_person_decides(spelled: list[str]) -> None:
    api = api_for(shop(auto_cashier_day_count=3))
    answers = [ask(api, sales(api.merchant, 1, cashier=name)[0], 9_900) for name in spelled]
    assert [answer["state"] for answer in answers] == ["approved"] * 3 + ["in_review"]
    assert failing(answers[3]) == {"auto_cashier_day_count": ("4", "3")}


def test_submit_when_the_body_names_another_cashier_each_time_the_sales_cashier_still_counts() -> None:
    api = api_for(shop(auto_cashier_day_count=3))
    answers = [
        ask(api, sale, 9_900, cashier=f"X{number}")
        for number, sale in enumerate(sales(api.merchant, 4, cashier="C001"))
    ]
    assert [answer["state"] for answer in answers] == ["approved"] * 3 + ["in_review"]


def test_submit_in_a_session_counts_the_person_whoever_rang_the_sales_up_and_what_went_by_their_code() -> None:
    merchant = shop(auto_cashier_day_count=3)
    session = session_for(make_staff(merchant, "cashier", till_codes=["C-900"]))
    by_till, *others = sales(merchant, 4)
    states = [ask(api_for(merchant), by_till, 9_900, cashier="c-900")["state"]]
    for number, sale in enumerate(others):
        token = "t" * 32
        session.client.cookies["csrftoken"] = token
        answer = session.client.post(
            "/api/v1/refund-requests",
            body(sale, 9_900),
            content_type="application/json",
            headers={"X-CSRFToken": token, "Idempotency-Key": f"s{number}"},
        )
        states.append(answer.json()["state"])
    assert states == ["approved"] * 3 + ["in_review"]


def test_submit_when_a_cashier_asks_by_login_and_by_their_codes_it_is_one_cashier() -> None:
    """In the desk's session on others' sales, by the till's key under one code, and under the other."""
    merchant = shop(auto_cashier_day_count=2)
    by_login = of_staff(make_staff(merchant, "cashier", till_codes=["C7", "C8"]))
    api = api_for(merchant)
    first, second, third, fourth = sales(merchant, 4)
    assert ask(api, first, 9_900, cashier="ｃ７")["state"] == "approved"
    assert make_request(second, 9_900, by=by_login).state == "approved"
    assert failing(ask(api, third, 9_900, cashier="C7"))["auto_cashier_day_count"] == ("3", "2")
    assert make_request(fourth, 9_900, by=by_login).state == "in_review"


@pytest.mark.parametrize("shared", [{"cashier": "C9"}, {"phone": "", "card_last4": "6021"}])
def test_submit_when_an_order_has_two_payments_the_cashier_and_the_card_of_each_count(shared: dict[str, Any]) -> None:
    """The order is asked back as one; then the second payment's cashier, or card, comes with another sale."""
    api = api_for(shop(auto_cashier_day_count=1, auto_customer_day_limit_fen=10_000))
    sales(api.merchant, 1, 2_000, order_no="MIX-9")
    sales(api.merchant, 1, 7_000, order_no="MIX-9", **shared)
    answer = api.post("refund-requests", {"order_no": "MIX-9", "amount_fen": 9_000, "reason": "quality"}).json()
    assert answer["state"] == "approved"
    assert ask(api, sales(api.merchant, 1, **shared)[0], 9_000)["state"] == "in_review"


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ({"auto_key_day_count": 2}, "auto_key_day_count"),
        ({"auto_key_day_fen": 20_000}, "auto_key_day_limit"),
    ],
)
def test_submit_when_a_key_has_had_its_day_a_person_decides(rules: dict[str, Any], code: str) -> None:
    merchant = shop(**rules)
    api = api_for(merchant)
    first, second, third, fourth = sales(merchant, 4)
    assert [ask(api, sale, 9_900)["state"] for sale in (first, second)] == ["approved", "approved"]
    assert list(failing(ask(api, third, 9_900))) == [code]
    assert ask(api_for(merchant), fourth, 9_900)["state"] == "approved"


def test_day_is_the_calendar_day_in_china() -> None:
    # Tomorrow's: a payout of a day gone by would be overdue.
    merchant = shop()
    midnight = timezone.now().astimezone(SHANGHAI).replace(hour=0, minute=0, second=0) + timedelta(days=1)
    before, at_the_end, after = (
        make_request(sale, 9_000, at=midnight + timedelta(minutes=minutes))
        for sale, minutes in zip(sales(merchant, 3, phone="13800006021"), (-2, -1, 0), strict=True)
    )
    assert [request.state for request in (before, at_the_end, after)] == ["approved", "in_review", "approved"]


def test_quote_shows_the_sum_against_the_limit_and_counts_nothing() -> None:
    api = api_for(shop())
    sale = make_sale(api.merchant, 26_800)
    ask(api, sale, 9_000)
    for _ in range(2):
        answer = api.post("refund-quotes", body(sale, 5_000), idempotency_key=None)
        lines = {rule["code"]: rule for rule in answer.json()["verdict"]["rules"]}
        line = lines["auto_order_limit"]
        assert (line["passed"], line["actual"], line["limit"]) == (False, "140.00", "100.00")
        assert "140.00" in line["explanation"]


def test_other_merchants_sums_are_their_own() -> None:
    first, second = shop(), shop()
    for merchant in (first, second):
        (sale,) = sales(merchant, 1, phone="13800006021", order_no="A1", cashier="C001")
        assert ask(api_for(merchant), sale, 9_000)["state"] == "approved"


# --- of 30 days, of a store, of a cashier's money -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ({"auto_customer_30_days_fen": 20_000}, "auto_customer_30_days_limit"),
        ({"auto_customer_30_days_count": 2}, "auto_customer_30_days_count"),
        ({"same_destination_count": 3}, "same_destination"),
    ],
)
def test_submit_when_a_customer_has_had_30_days_a_person_decides_and_older_ones_do_not_count(
    rules: dict[str, Any], code: str
) -> None:
    merchant, now = shop(**rules), timezone.now()
    phone: dict[str, Any] = {"phone": "13800006021", "paid_at": now - timedelta(days=41)}
    before = [
        make_request(sale, 9_900, at=now - timedelta(days=days), reason="goodwill" if days > 7 else "quality")
        for sale, days in zip(sales(merchant, 3, **phone), (40, 29, 1), strict=True)
    ]
    assert len(before) == 3
    RunningSum.objects.filter(kind="customer").update(count=1, fen=9_900)
    (sale,) = sales(merchant, 1, phone="13800006021")
    assert code in failing(ask(api_for(merchant), sale, 9_900))
    other, (stranger,) = api_for(merchant), sales(merchant, 1)
    assert ask(other, stranger, 9_900)["state"] == "approved"


@pytest.mark.parametrize(
    ("rules", "fields", "code"),
    [
        ({"auto_cashier_day_fen": 20_000}, {"cashier": "C001"}, "auto_cashier_day_limit"),
        ({"auto_store_day_fen": 20_000}, {}, "auto_store_day_limit"),
        ({"near_limit_count": 3}, {"cashier": "C001"}, "near_limit"),
    ],
)
def test_submit_when_a_cashier_or_a_store_has_had_its_day_a_person_decides(
    rules: dict[str, Any], fields: dict[str, Any], code: str
) -> None:
    api = api_for(shop(**rules))
    answers = [ask(api, sale, 9_900) for sale in sales(api.merchant, 3, **fields)]
    assert [answer["state"] for answer in answers] == ["approved", "approved", "in_review"]
    assert list(failing(answers[2])) == [code]


def test_submit_when_wishes_are_split_under_a_tiers_limit_a_person_decides() -> None:
    """Each belongs to the lowest tier, all of the order to the next; no other limit stands in the way."""
    generous = {"auto_approve_limit_fen": 90_000, "auto_order_limit_fen": 10**7, "auto_customer_day_limit_fen": 10**7}
    api = api_for(shop(**generous))
    sale = make_sale(api.merchant, 500_000)
    first, second = (ask(api, sale, 60_000) for _ in range(2))
    assert (first["state"], second["state"]) == ("approved", "in_review")
    assert failing(second) == {"not_split": ("1200.00", "1000.00")}


def test_resubmit_does_not_count_a_request_against_itself() -> None:
    merchant = shop(auto_customer_30_days_count=9, same_destination_count=2)
    waiting = make_request(make_sale(merchant, 500_000, phone="13800006021"), 60_000)
    manager = of_staff(make_staff(merchant, "manager"))
    deciding.request_info(
        request_id=waiting.pk, by=manager, at=timezone.now(), version=waiting.version, message="照片?"
    )
    answer = session_for(make_staff(merchant, "owner")).post(
        f"refund-requests/{waiting.pk}/resubmit", {"amount_fen": 5_000}
    )
    assert (answer.json()["state"], failing(answer.json())) == ("approved", {})


# --- the rules ------------------------------------------------------------------------------------------------------------


def test_rules_from_before_there_were_sums_read_with_the_defaults() -> None:
    rules = read_rules(LIMIT_100)
    assert (rules.order_limit_fen, rules.customer_day_limit_fen, rules.auto_cashier_day_count) == (10_000, 10_000, 10)
    assert (rules.auto_key_day_count, rules.auto_key_day_fen) == (None, None)


@pytest.mark.parametrize(
    "field", ["auto_order_limit_fen", "auto_customer_day_limit_fen", "auto_cashier_day_count", "auto_key_day_count"]
)
@pytest.mark.parametrize("value", [-1, True, 1.5, "100"])
def test_rules_with_a_limit_that_is_no_number_are_refused(field: str, value: object) -> None:
    with pytest.raises(PolicyInvalid):
        read_rules({**LIMIT_100, field: value})


@pytest.mark.parametrize("field", ["auto_order_limit_fen", "auto_customer_day_limit_fen", "auto_cashier_day_count"])
def test_rules_that_would_lift_a_limit_by_null_are_refused(field: str) -> None:
    with pytest.raises(PolicyInvalid):
        read_rules({**LIMIT_100, field: None})


# --- at once ----------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_ten_at_once_by_one_cashier_end_exactly_at_the_days_count() -> None:
    api = api_for(shop(auto_cashier_day_count=3))
    answers = at_once([post(api, sale, 9_900) for sale in sales(api.merchant, 10, cashier="C001")])
    assert Counter((answer.status_code, answer.json()["state"]) for answer in answers) == {
        (201, "approved"): 3,
        (201, "in_review"): 7,
    }
    assert RefundRequest.objects.count() == 10


@pytest.mark.django_db(transaction=True)
def test_ten_at_once_of_one_customer_end_exactly_at_the_days_limit() -> None:
    api = api_for(shop(auto_customer_day_limit_fen=25_000))
    answers = at_once([post(api, sale, 9_900) for sale in sales(api.merchant, 10, phone="13800006021")])
    assert Counter(answer.json()["state"] for answer in answers) == {"approved": 2, "in_review": 8}


@pytest.mark.django_db(transaction=True)
def test_ten_at_once_of_one_order_end_exactly_at_its_limit() -> None:
    api = api_for(shop())
    sale = make_sale(api.merchant, 100_000)
    answers = at_once([post(api, sale, 4_000) for _ in range(10)])
    assert Counter(answer.json()["state"] for answer in answers) == {"approved": 2, "in_review": 8}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("rules", "fields"),
    [
        ({"auto_store_day_fen": 25_000}, {}),
        ({"near_limit_count": 3}, {"cashier": "C001"}),
        ({"auto_cashier_day_fen": 25_000}, {"cashier": "C001"}),
        (
            {"auto_customer_30_days_fen": 25_000, "auto_customer_day_limit_fen": 10**7},
            {"phone": "13800006021"},
        ),
        (
            {"auto_customer_30_days_count": 2, "auto_customer_day_limit_fen": 10**7},
            {"phone": "13800006021"},
        ),
    ],
    ids=["store", "close to the limit", "cashier", "customer's fen", "customer's count"],
)
def test_eight_at_once_end_exactly_at_the_cap(rules: dict[str, Any], fields: dict[str, Any]) -> None:
    api = api_for(shop(**rules))
    answers = at_once([post(api, sale, 9_900) for sale in sales(api.merchant, 8, **fields)], width=8)
    assert Counter(answer.json()["state"] for answer in answers) == {"approved": 2, "in_review": 6}


@pytest.mark.django_db(transaction=True)
def test_ten_of_990_of_one_order_at_once_are_a_persons_and_of_the_tier_of_their_sum() -> None:
    api = api_for(shop())
    sale = make_sale(api.merchant, 1_000_000)
    answers = at_once([post(api, sale, 99_000) for _ in range(10)])
    assert {answer.json()["state"] for answer in answers} == {"in_review"}
    last = sums.deciding_fen(request=RefundRequest.objects.all()[0], amount_fen=99_000)
    assert last == 990_000


@pytest.mark.django_db(transaction=True)
def test_one_key_ten_times_at_once_at_the_edge_of_a_limit_is_one_request() -> None:
    """Whoever is judged anew finds the first answer."""
    api = api_for(shop(auto_cashier_day_count=1))
    first, second = sales(api.merchant, 2, cashier="C001")
    ask(api, first, 9_900)
    answers = at_once(
        [lambda: api.post("refund-requests", body(second, 9_900), idempotency_key="same") for _ in range(10)]
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert RefundRequest.objects.filter(transaction=second).count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("rules", "ways"),
    [
        ({"auto_cashier_day_fen": 25_000}, "two keys and the till's login"),
        ({"auto_cashier_day_count": 2, "auto_key_day_count": 9}, "two keys and the till's login"),
        ({"auto_store_day_fen": 25_000, "auto_key_day_fen": 30_000}, "two keys"),
    ],
    ids=["cashier's fen", "cashier's count", "store's fen"],
)
def test_twelve_at_once_by_two_keys_and_a_login_end_exactly_at_the_cap_that_they_share(
    rules: dict[str, Any], ways: str
) -> None:
    """Whoever goes round a limit by another key, or by their own login, is the same cashier in the same store."""
    merchant = shop(auto_customer_day_limit_fen=10**7, **rules)
    person = make_staff(merchant, "cashier", till_codes=["C001"])
    keys, session = [api_for(merchant), api_for(merchant)], session_for(person)
    same: dict[str, Any] = {} if ways == "two keys" else {"cashier": "C001"}

    def by(turn: int, sale: Transaction, amount_fen: int) -> Callable[[], Any]:
        if same and turn % 3 == 2:
            wish = body(sale, amount_fen)
            return lambda: session.post("refund-requests", wish, key=f"{sale.pk}")
        return post(keys[turn % 2], sale, amount_fen)

    some = sales(merchant, 12, **same)
    answers = at_once([by(turn, sale, 9_900) for turn, sale in enumerate(some)], width=12)

    assert Counter(answer.status_code for answer in answers) == {201: 12}
    assert Counter(answer.json()["state"] for answer in answers) == {"approved": 2, "in_review": 10}
    # What is left of the room is given to whoever fits into it, by whichever way.
    if "auto_cashier_day_count" not in rules:
        (last,) = sales(merchant, 1, **same)
        assert by(2, last, 5_200)().json()["state"] == "approved"
