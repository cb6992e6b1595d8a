"""Presets, sort, columns and own views, all of them in the address."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from desk import filters, lists
from desk.keyset import Order
from desk.refunds.listing import COLUMNS
from tests.desk.conftest import Shop

LISTS = ["refunds", "transactions", "notifications"]


def test_span_when_it_is_a_preset_is_relative_and_typed_days_go_before_it() -> None:
    today = timezone.localdate()
    first, last = filters.span(QueryDict("days=week"))
    assert first is not None
    assert last is not None
    assert (first.weekday(), last - first, first < last < today) == (0, timedelta(days=6), True)
    assert filters.span(QueryDict("days=today")) == (today, today)
    assert filters.span(QueryDict("days=month"))[0] == today.replace(day=1)
    assert filters.span(QueryDict("days=today&from=2026-01-01"))[1] is None
    assert filters.span(QueryDict("days=never")) == (None, None)


def test_order_by_amount_only_where_the_days_are_few() -> None:
    assert lists.order(QueryDict("sort=large&days=7"), "created_at") == Order("amount_fen", descending=True)
    assert lists.order(QueryDict("sort=large"), "created_at") == Order("created_at", descending=True)
    assert lists.order(QueryDict("sort=large&from=2026-01-01&to=2026-02-01"), "created_at").field == "created_at"
    assert lists.order(QueryDict("sort=old"), "created_at") == Order("created_at", descending=False)


def test_refunds_sorted_by_amount_are_paged_by_key(
    reviewer: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desk.refunds.view.PAGE_SIZE", 2)
    amounts = [1_000, 3_000, 2_000, 3_000, 500]
    for amount in amounts:
        shop.waiting(amount)
    seen, url = [], "/desk/refunds?days=7&sort=large"
    while url:
        page = reviewer.get(url).context
        seen += [row.amount_fen for row in page["rows"]]
        url = page["pager"].next_url
    assert seen == sorted(amounts, reverse=True)


@pytest.mark.parametrize("which", LISTS)
def test_list_shows_chosen_columns_and_offers_to_bring_back_the_others(
    reviewer: Client, shop: Shop, which: str
) -> None:
    shop.waiting()
    html = reviewer.get(f"/desk/{which}?cols=state&days=7").content.decode()
    heads = html[html.find("<thead>") : html.find("</thead>")]
    assert "State" in heads or "No messages" in html or "No message" in html
    assert "Store" not in heads
    assert "cols=at.state" in html


def test_unknown_columns_are_the_usual_ones() -> None:
    usual = {column.name for column in COLUMNS if column.usual}
    assert lists.shown_of(QueryDict("cols=nonsense"), COLUMNS) == usual
    assert lists.shown_of(QueryDict(""), COLUMNS) == usual
