"""A report that a till repeats after the sale was corrected: a version that was, or other facts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from terminals import versions
from tests.api.conftest import Api, api_for
from tests.factories import make_account, make_merchant, make_sale

pytestmark = pytest.mark.django_db

_LINES = [
    {"sku": "A", "name": "锅", "quantity": 1, "unit_price_fen": 6_000, "amount_fen": 6_000},
    {"sku": "W", "name": "肉", "quantity": 0.356, "unit_price_fen": 4_000, "amount_fen": 1_424},
]


@pytest.fixture
def api() -> Api:
    merchant = make_merchant()
    make_account(merchant)
    return api_for(merchant)


def _report(**changes: Any) -> dict[str, Any]:
    return {
        "order_no": "A1",
        "channel": "wechat",
        "channel_transaction_no": "4200001",
        "amount_fen": 7_424,
        "paid_at": "2026-11-20T18:42:15.250+08:00",
        "store": "S001",
        "terminal": "POS-01",
        "cashier": "C017",
        "payer": {"phone": "13800006021", "card_last4": "1234", "funding": "debit_card"},
        "lines": _LINES,
        **changes,
    }


def _correct(api: Api, sale: dict[str, Any], **changes: Any) -> dict[str, Any]:
    answer = api.post(f"transactions/{sale['id']}/corrections", {**changes, "reason": "录错"})
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


_CORRECTIONS: dict[str, dict[str, Any]] = {
    "amount and lines": {"amount_fen": 6_000, "lines": _LINES[:1]},
    "number": {"order_no": "A2"},
    "payer": {"payer": {"phone": "13900006021", "card_last4": "4321"}},
    "time": {"paid_at": "2026-11-20T17:42:15+08:00"},
    "till and cashier": {"terminal": "", "cashier": "C001"},
    "what the payer paid": {"payer": {"paid_fen": 7_000}},
}


@pytest.mark.parametrize("correction", _CORRECTIONS.values(), ids=_CORRECTIONS)
def test_report_when_it_repeats_what_was_corrected_gets_the_sale_as_it_is_and_changes_nothing(
    api: Api, correction: dict[str, Any]
) -> None:
    first = api.post("transactions", _report()).json()
    corrected = _correct(api, first, **correction)
    events = AuditEvent.objects.count()

    again = api.post("transactions", _report(cashier=" c017 ", lines=_LINES[::-1]))

    assert (first["corrected_at"], corrected["corrected_at"] is not None) == (None, True)
    assert (again.status_code, again.json()) == (200, corrected)
    assert AuditEvent.objects.count() == events


def test_report_when_it_repeats_any_version_is_known_and_a_mixture_of_two_is_not(api: Api) -> None:
    first = api.post("transactions", _report()).json()
    _correct(api, first, amount_fen=6_000, lines=_LINES[:1])
    last = _correct(api, first, order_no="A2", cashier="C001")

    second = _report(amount_fen=6_000, lines=_LINES[:1])
    for version in (_report(), second, {**second, "order_no": "A2", "cashier": "C001"}):
        answer = api.post("transactions", version)
        assert (answer.status_code, answer.json()) == (200, last)
    mixture = api.post("transactions", _report(order_no="A2"))
    told = mixture.json()
    assert (mixture.status_code, told["code"]) == (409, "sale_differs")
    assert {row["field"] for row in told["errors"]} == {"amount_fen", "cashier", "lines"}


def test_report_when_what_no_correction_changes_differs_was_never_a_version(api: Api) -> None:
    first = api.post("transactions", _report(payment_no="P-1")).json()
    _correct(api, first, cashier="C001")
    for other in ({"payment_no": "P-2"}, {"payment_no": "P-1", "remote": True}):
        assert api.post("transactions", _report(**other)).status_code == 409


def test_report_when_it_repeats_an_old_version_with_a_number_keeps_the_number_alone(api: Api) -> None:
    first = api.post("transactions", _report()).json()
    last = _correct(api, first, terminal="", amount_fen=6_000, lines=_LINES[:1])

    again = api.post("transactions", _report(payment_no="P-7"))

    assert (again.status_code, again.json()) == (200, {**last, "payment_no": "P-7"})
    # What a correction took away stays away, in a repeat of any version.
    for told in (_report(), _report(amount_fen=6_000, lines=_LINES[:1])):
        answer = api.post("transactions", told)
        assert (answer.status_code, answer.json()["terminal"]) == (200, last["terminal"])


def test_report_of_a_pending_payment_when_it_was_completed_and_corrected_since_is_a_version(api: Api) -> None:
    pending = _report(status="pending")
    first = api.post("transactions", pending).json()
    assert api.post("transactions", _report()).json()["status"] == "success"
    last = _correct(api, first, order_no="A2")
    for told in (pending, _report()):
        answer = api.post("transactions", told)
        assert (answer.status_code, answer.json()) == (200, last)


def test_was_told_when_nothing_was_corrected_looks_nowhere(django_assert_num_queries: Any) -> None:
    sale = make_sale(make_merchant(), paid_at=timezone.now() - timedelta(days=1))
    told = {**versions.as_told(sale), "status": "success"}
    with django_assert_num_queries(0):
        assert not versions.was_told(sale, told)
