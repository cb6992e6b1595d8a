"""Refunds that a key with a mandate asks for: within it, beyond it, and all at once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Sum
from django.utils import timezone

from merchants import api_keys, mandates
from merchants.models import ApiKey, KeyScope, Merchant, Store
from merchants.principals import Principal, of_staff
from refunds.models import RefundRequest, RunningSum
from refunds.review import deciding
from tests.api.conftest import Api, api_for
from tests.factories import make_staff
from tests.refunds.limited import ask, at_once, body, failing, post, sales, shop

pytestmark = pytest.mark.django_db

Limits = dict[str, Any]


def _limited(merchant: Merchant, limits: Limits) -> Api:
    api = api_for(merchant)
    ApiKey.objects.filter(pk=_row(api).pk).update(mandate=limits)
    api_keys.forget_known()
    return api


def _row(api: Api) -> ApiKey:
    return ApiKey.objects.get(hash=api_keys._hash(api.key))


def _owner(merchant: Merchant) -> Principal:
    return of_staff(make_staff(merchant, "owner"))


def _refused(answer: Any) -> list[str]:
    assert (answer.status_code, answer.json()["code"]) == (403, "mandate_exceeded"), answer.content
    return [error["field"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("limits", "said", "field"),
    [
        ({"max_fen": 4_999}, {}, "amount_fen"),
        ({"max_fen_day": 4_999}, {}, "amount_fen"),
        ({"max_fen_customer_30d": 4_999}, {}, "amount_fen"),
        ({"reasons": ["goodwill"]}, {}, "reason"),
        ({"routes": ["cash"]}, {}, "route"),
        ({"on_behalf_of_required": True}, {}, "on_behalf_of"),
    ],
)
def test_submit_when_it_is_beyond_the_mandate_is_refused_and_nothing_is_stored(
    limits: Limits, said: Limits, field: str
) -> None:
    merchant = shop()
    api = _limited(merchant, limits)
    (sale,) = sales(merchant, 1)
    assert _refused(api.post("refund-requests", body(sale, 5_000, **said))) == [field]
    assert _refused(api.post("refund-quotes", body(sale, 5_000, **said))) == [field]
    sale.refresh_from_db()
    assert (sale.reserved_fen, RefundRequest.objects.count(), RunningSum.objects.count()) == (0, 0, 0)
    assert ask(api_for(merchant), sale, 5_000)["state"] == "approved", "a key without a mandate has no such limit"


def test_submit_when_the_key_leaves_everything_to_a_person_one_decides() -> None:
    api = _limited(shop(), {"always_review": True})
    answer = ask(api, sales(api.merchant, 1)[0], 5_000)
    assert (answer["state"], failing(answer)) == ("in_review", {"mandate": ("yes", "no")})


def test_submit_says_in_the_trail_for_whom_it_was_asked() -> None:
    api = _limited(shop(), {"on_behalf_of_required": True})
    answer = ask(api, sales(api.merchant, 1)[0], 5_000, on_behalf_of="user 7")
    events = api.get(f"refund-requests/{answer['id']}/events").json()["results"]
    assert events[0]["data"]["on_behalf_of"] == "user 7"


def test_submit_when_another_store_is_named_the_sale_is_not_there() -> None:
    merchant = shop()
    Store.objects.create(merchant=merchant, code="S2", name="two")
    api = _limited(merchant, {"stores": ["S2"]})
    answer = api.post("refund-requests", body(sales(merchant, 1)[0], 5_000))
    assert answer.status_code == 404
    assert not RefundRequest.objects.exists()


def test_day_counts_what_was_asked_and_a_cancellation_gives_nothing_back() -> None:
    api = _limited(shop(), {"max_fen_day": 10_000})
    first, second, third = sales(api.merchant, 3)
    made = ask(api, first, 6_000)
    assert api.post(f"refund-requests/{made['id']}/cancel", {}).status_code == 200
    assert _refused(api.post("refund-requests", body(second, 4_001))) == ["amount_fen"]
    ask(api, second, 4_000)
    assert _refused(api.post("refund-requests", body(third, 1))) == ["amount_fen"]


def test_customers_30_days_count_earlier_days_and_end() -> None:
    api = _limited(shop(), {"max_fen_customer_30d": 10_000})
    mine = sales(api.merchant, 4, phone="13800006021")
    ask(api, mine[0], 6_000)
    _move_back(days=29)
    assert _refused(api.post("refund-requests", body(mine[1], 4_001))) == ["amount_fen"]
    ask(api, mine[1], 4_000)
    ask(api, sales(api.merchant, 1)[0], 10_000)
    _move_back(days=1)
    ask(api, mine[2], 6_000)


def _move_back(*, days: int) -> None:
    for row in RunningSum.objects.filter(kind="mandate"):
        day = row.day - timedelta(days=days)
        RunningSum.objects.filter(pk=row.pk).update(key=row.key[:-10] + day.isoformat(), day=day)


def test_customers_limit_when_nobody_is_named_refuses() -> None:
    api = _limited(shop(), {"max_fen_customer_30d": 10_000})
    (sale,) = sales(api.merchant, 1, phone="")
    assert _refused(api.post("refund-requests", body(sale, 100))) == ["customer.phone"]
    assert ask(api, sale, 100, customer={"phone": "13900001111"})["state"] == "approved"


def test_resubmit_is_held_to_the_mandate_and_counts_only_what_is_more() -> None:
    api = _limited(shop(), {"max_fen_day": 10_000, "max_fen": 9_000, "always_review": True})
    sale = sales(api.merchant, 1, 30_000)[0]
    made = ask(api, sale, 6_000)
    stored = RefundRequest.objects.get(pk=made["id"])
    deciding.request_info(
        request_id=stored.pk,
        by=of_staff(make_staff(api.merchant, "manager")),
        at=timezone.now(),
        version=stored.version,
        message="请补照片",
    )
    again = f"refund-requests/{made['id']}/resubmit"
    assert _refused(api.post(again, {"amount_fen": 9_001})) == ["amount_fen"]
    assert RefundRequest.objects.get(pk=made["id"]).amount_fen == 6_000
    assert api.post(again, {"amount_fen": 9_000}).status_code == 200
    assert RunningSum.objects.filter(kind="mandate").aggregate(all=Sum("fen"))["all"] == 9_000


def test_rotated_key_goes_on_with_the_same_sums() -> None:
    merchant = shop()
    api, by = _limited(merchant, {"max_fen_day": 10_000}), _owner(merchant)
    first, second, third = sales(merchant, 3)
    ask(api, first, 6_000)
    key = api.key
    for _ in range(2):
        row = _row(api)
        _, api.key, _ = api_keys.rotate(key=row, by=by, at=timezone.now(), typed_name=row.name)
        assert _refused(api.post("refund-requests", body(second, 4_001))) == ["amount_fen"]
    ask(api, second, 4_000)
    api.key = key
    assert _refused(api.post("refund-requests", body(third, 1))) == ["amount_fen"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("limit", ["max_fen_day", "max_fen_customer_30d"])
def test_64_at_once_for_the_last_yuan_exactly_one_gets_it(limit: str) -> None:
    merchant = shop(auto_customer_day_limit_fen=10**9)
    api = _limited(merchant, {limit: 1_100})
    ask(api, sales(merchant, 1, phone="13800006021")[0], 1_000)
    wanted = sales(merchant, 64, phone="13800006021")
    answers = at_once([post(api, sale, 100) for sale in wanted], width=64)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 403: 63}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 403} == {"mandate_exceeded"}
    assert RefundRequest.objects.aggregate(all=Sum("amount_fen"))["all"] == 1_100
    assert RunningSum.objects.get(kind="mandate").fen == 1_100


@pytest.mark.parametrize("seed", [7])
def test_300_hostile_sequences_move_nothing_beyond_the_mandate(seed: int) -> None:
    """Submitted, raised, cancelled, sent again, by other reasons, routes and customers: the day and the amount hold."""
    chance = random.Random(seed)
    merchant = shop()
    limits = {"max_fen": 700, "max_fen_day": 5_000, "reasons": ["quality"], "routes": ["original"]}
    api = _limited(merchant, limits)
    made: list[str] = []
    places = sales(merchant, 20, 3_000)
    for _ in range(300):
        act = chance.choice(["submit", "submit", "cancel", "resubmit"])
        if act == "submit" or not made:
            said: Mapping[str, Any] = {
                "reason": chance.choice(["quality", "quality", "goodwill"]),
                "route": chance.choice(["original", "original", "cash"]),
            }
            answer = api.post("refund-requests", body(chance.choice(places), chance.choice([1, 300, 700, 701]), **said))
            if answer.status_code == 201:
                made.append(answer.json()["id"])
        elif act == "cancel":
            answer = api.post(f"refund-requests/{chance.choice(made)}/cancel", {})
        else:
            changed = {"amount_fen": chance.choice([1, 700, 3_000]), "reason": chance.choice(["quality", "goodwill"])}
            answer = api.post(f"refund-requests/{chance.choice(made)}/resubmit", changed)
        assert answer.status_code < 500
    stored = RefundRequest.objects.all()
    assert stored.count() > 5
    assert sum(one.amount_fen for one in stored) <= 5_000
    assert all((one.amount_fen <= 700, one.reason, one.route) == (True, "quality", "original") for one in stored)


# --- stopping -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["key", "store", "merchant"])
def test_stopped_key_is_refused_in_every_call_until_it_goes_on(which: str) -> None:
    merchant = shop()
    store = Store.objects.get(merchant=merchant)
    by = _owner(merchant)
    row, key, _ = api_keys.issue(
        merchant=merchant, name="agent", scopes=[*KeyScope], by=by, at=timezone.now(), store=store
    )
    api = api_for(merchant)
    api.key = key
    places: dict[str, ApiKey | Store | Merchant] = {"key": row, "store": store, "merchant": merchant}
    stopped = places[which]
    (sale,) = sales(merchant, 1)
    api_keys.stop(which=stopped, by=by, at=timezone.now())
    for answer in (api.post("refund-requests", body(sale, 100)), api.get("refund-requests")):
        assert (answer.status_code, answer.json()["code"]) == (403, "key_stopped")
    assert not RefundRequest.objects.exists()
    api_keys.stop(which=stopped, by=by, at=timezone.now(), stopped=False)
    assert ask(api, sale, 100)["state"] == "approved"


def test_stopped_store_stops_a_key_of_all_stores_there_only() -> None:
    merchant = shop()
    other = Store.objects.create(merchant=merchant, code="S2", name="two")
    api = api_for(merchant)
    here, there = sales(merchant, 1)[0], sales(merchant, 1, store=other, terminal=None)[0]
    api_keys.stop(which=Store.objects.get(pk=here.store_id), by=_owner(merchant), at=timezone.now())
    answer = api.post("refund-requests", body(here, 100))
    assert (answer.status_code, answer.json()["code"]) == (403, "key_stopped")
    assert [one.store_id for one in RefundRequest.objects.all()] == []
    ask(api, there, 100)


def test_expired_mandate_ends_the_key() -> None:
    merchant = shop()
    api = _limited(merchant, {"expires_at": (timezone.now() - timedelta(seconds=1)).isoformat()})
    answer = api.get("refund-requests")
    assert (answer.status_code, answer.json()["code"]) == (403, "mandate_expired")


def test_mandate_is_read_as_it_was_written() -> None:
    merchant = shop()
    limits = {"max_fen": 100, "stores": [Store.objects.get(merchant=merchant).code]}
    _, key, _ = api_keys.issue(
        merchant=merchant,
        name="agent",
        scopes=[KeyScope.REFUNDS_WRITE],
        by=_owner(merchant),
        at=timezone.now(),
        all_stores=True,
        mandate=mandates.read(limits),
    )
    client = api_keys.recognise(key)
    assert client is not None
    assert client.principal.stores == frozenset(Store.objects.values_list("pk", flat=True))
    assert client.principal.mandate == mandates.read(limits)
