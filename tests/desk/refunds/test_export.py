"""The list as a file: whole, for those who may, with a trace, and nothing in it that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from core.audit.models import AuditEvent
from desk.refunds import export
from merchants.models import Staff
from refunds.models import RefundRequest
from refunds.review import exporting
from terminals.models import Transaction
from tests.desk.conftest import Shop
from tests.factories import make_merchant, make_request, make_sale, works_in

SignIn = Callable[[Staff], Client]


def _table(answer: Any) -> list[dict[str, str]]:
    text = b"".join(answer.streaming_content).decode("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:])))


def test_the_filtered_list_leaves_as_it_is_filtered(shop: Shop, as_staff: SignIn) -> None:
    kept, other = shop.waiting(26_800), shop.waiting(21_000)
    paid = make_request(make_sale(shop.merchant), 1_200)
    manager = as_staff(shop.manager)
    everything = _table(manager.get("/desk/refunds.csv"))
    assert [row["Refund request"] for row in everything] == [paid.number, other.number, kept.number]
    waiting = _table(manager.get("/desk/refunds.csv", {"state": "in_review", "q": kept.number}))
    assert [(row["Refund request"], row["Amount asked for (¥)"], row["Decided by"]) for row in waiting] == [
        (kept.number, "268.00", "")
    ]
    by_rule = _table(manager.get("/desk/refunds.csv", {"state": "approved"}))
    assert [(row["Refund request"], row["Decided by"], row["Route"]) for row in by_rule] == [
        (paid.number, "the policy", "Original payment method")
    ]


def test_the_review_desks_own_list_leaves_too(shop: Shop, as_staff: SignIn) -> None:
    waiting = shop.waiting()
    make_request(make_sale(shop.merchant), 1_200)
    manager = as_staff(shop.manager)
    address = manager.get("/desk").context["export_url"]
    assert [row["Refund request"] for row in _table(manager.get(address))] == [waiting.number]


def test_pages_of_rows_join_without_gap_or_repeat(
    shop: Shop, as_staff: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_PAGE", 2)
    numbers = [shop.waiting().number for _ in range(5)]
    found = _table(as_staff(shop.manager).get("/desk/refunds.csv"))
    assert [row["Refund request"] for row in found] == numbers[::-1]


def test_memory_stays_flat_one_statement_a_page(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Callable[..., Any]
) -> None:
    monkeypatch.setattr(export, "_PAGE", 2)
    for _ in range(5):
        shop.waiting()
    written = export.lines(RefundRequest.objects.filter(merchant=shop.merchant))
    with django_assert_num_queries(1):
        # The header and the first page: the rest has not been asked for.
        assert len([next(written) for _ in range(3)]) == 3
    with django_assert_num_queries(2):
        assert len(list(written)) == 3


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2+3", "@SUM(A1)"])
def test_no_cell_is_a_formula(shop: Shop, as_staff: SignIn, text: str) -> None:
    request = shop.waiting()
    RefundRequest.objects.filter(pk=request.pk).update(cashier=text)
    (row,) = _table(as_staff(shop.manager).get("/desk/refunds.csv"))
    assert row["Cashier"] == f"'{text}"


def test_long_numbers_stay_whole_and_no_contact_is_in_the_file(shop: Shop, as_staff: SignIn) -> None:
    request = shop.waiting(phone="13800006021", name="王小敏", email="w@example.com")
    Transaction.objects.filter(pk=request.transaction_id).update(channel_transaction_no="4200000256120261120339177")
    answer = as_staff(shop.manager).get("/desk/refunds.csv")
    (row,) = _table(answer)
    assert row["Channel no."] == "4200000256120261120339177\t"
    assert not any(secret in "".join(row.values()) for secret in ("13800006021", "王小敏", "w@example.com"))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Cache-Control"] == "private, no-store"
    assert "attachment" in answer["Content-Disposition"]


def test_export_is_for_those_who_answer_for_the_money(shop: Shop, as_staff: SignIn) -> None:
    shop.waiting()
    for staff, status in ((shop.cashier, 403), (shop.reviewer, 403), (shop.manager, 200), (shop.finance, 200)):
        client = as_staff(staff)
        assert client.get("/desk/refunds.csv").status_code == status
        assert bool(client.get("/desk/refunds").context["tools"].may_export) == (status == 200)


def test_nobody_takes_another_stores_or_merchants_refunds(shop: Shop, as_staff: SignIn) -> None:
    shop.waiting()
    stranger = make_request(make_sale(make_merchant()), 1_200)
    works_in(shop.manager, stranger.store)
    assert _table(as_staff(shop.manager).get("/desk/refunds.csv")) == []


def test_every_export_is_recorded_with_its_filters_before_it_leaves(shop: Shop, as_staff: SignIn) -> None:
    shop.waiting()
    as_staff(shop.manager).get("/desk/refunds.csv", {"state": "in_review"})
    event = AuditEvent.objects.get(action="refund.export")
    assert (event.actor_id, event.object_type) == (str(shop.manager.pk), "refund_list")
    assert event.data == {"filters": {"state": "in_review"}, "rows": 1}


def test_too_many_rows_are_refused_not_cut_off(shop: Shop, as_staff: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "MOST_ROWS", 1)
    shop.waiting()
    shop.waiting()
    answer = as_staff(shop.manager).get("/desk/refunds.csv", {"state": "in_review"}, follow=True)
    assert answer.redirect_chain == [("/desk/refunds?state=in_review", 302)]
    assert "Narrow the list" in answer.content.decode()
    assert not AuditEvent.objects.filter(action="refund.export").exists()
