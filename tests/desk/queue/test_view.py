"""The review desk: views, filters, pages, preview, bulk decisions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from desk.queue.saved_views import VIEWS
from merchants.models import Staff
from merchants.principals import of_staff
from refunds.models import RefundRequest
from refunds.review import deciding
from tests.desk.conftest import Shop

SignIn = Callable[[Staff], Client]


def _page(client: Client, address: str = "/desk") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def _fill(shop: Shop) -> dict[str, RefundRequest]:
    """One request in every view."""
    now = timezone.now()
    rows = {name: shop.waiting() for name in ("waiting", "mine", "soon", "info", "failed")}
    deciding.claim(request_id=rows["mine"].pk, by=of_staff(shop.reviewer), at=now)
    RefundRequest.objects.filter(pk=rows["soon"].pk).update(due_at=now - timedelta(minutes=12))
    info = rows["info"]
    deciding.request_info(
        request_id=info.pk, by=of_staff(shop.reviewer), at=now, version=info.version, message="photo?"
    )
    return rows


@pytest.mark.parametrize("view", [view.name for view in VIEWS])
def test_every_view_opens(reviewer: Client, shop: Shop, view: str) -> None:
    _fill(shop)
    _page(reviewer, f"/desk?view={view}")


def test_overdue_is_red_and_a_paused_clock_stands(reviewer: Client, shop: Shop) -> None:
    _fill(shop)
    assert "over 12 min" in _page(reviewer, "/desk?view=soon")
    assert "Clock paused" in _page(reviewer, "/desk?view=info")


def test_filters_live_in_the_address(reviewer: Client, shop: Shop) -> None:
    small = shop.waiting(21_000)
    other = shop.waiting(26_800, reason="goodwill")
    page = _page(reviewer, "/desk?reason=goodwill")
    assert other.number in page
    assert small.number not in page
    assert small.number in _page(reviewer, f"/desk?q={small.number}")
    assert other.number not in _page(reviewer, f"/desk?q={small.transaction.order_no}")
    for typed in (small.number.lower(), f"退款单号：{small.number}", small.number.replace("-", "－")):
        assert small.number in _page(reviewer, f"/desk?q={typed}"), typed
    assert small.number in _page(
        reviewer,
        f"/desk?q={small.transaction.channel_transaction_no[:9]}+{small.transaction.channel_transaction_no[9:]}",
    )
    assert "No refund matches" in _page(reviewer, "/desk?amount=-50")
    # What is no choice is ignored.
    assert small.number in _page(reviewer, "/desk?reason=nonsense&channel=%EF%BF%BD&c=x&amount=9")


def test_pages_follow_one_another_without_gap_or_repeat(
    reviewer: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desk.queue.view.PAGE_SIZE", 3)
    wanted = [shop.waiting(21_000 + n).number for n in range(8)]
    # Equal due times: the id decides.
    RefundRequest.objects.update(due_at=timezone.now())
    seen: list[str] = []
    address, pages = "/desk", []
    while address:
        answer = reviewer.get(address)
        seen += [row.number for row in answer.context["rows"]]
        pages.append([row.number for row in answer.context["rows"]])
        address = answer.context["pager"].next_url
        before = answer.context["pager"].prev_url
    assert seen == wanted
    assert [row.number for row in reviewer.get(before).context["rows"]] == pages[-2]
    assert reviewer.get(before).context["pager"].first == 4


def test_preview_decides_there_and_goes_on_with_the_next(reviewer: Client, shop: Shop) -> None:
    first, second = shop.waiting(), shop.waiting()
    row = reviewer.get("/desk?reason=quality").context["rows"][0]
    assert row.number == first.number
    pane = reviewer.get(row.leads.pane_url, headers={"hx-request": "true"}).content.decode()
    assert "<html" not in pane
    assert f"selected={second.number}" in pane
    assert "¥" in pane


def test_signed_out_preview_sends_the_whole_page_to_sign_in(client: Client, shop: Shop) -> None:
    request = shop.waiting()
    answer = client.get(f"/desk/refunds/{request.number}/pane", headers={"hx-request": "true"})
    assert answer["HX-Redirect"].startswith("/login")
    assert client.get("/desk")["Location"] == "/login?next=/desk"


def test_others_who_look_are_named(reviewer: Client, shop: Shop, as_staff: SignIn) -> None:
    request = shop.waiting()
    as_staff(shop.colleague).get(f"/desk/refunds/{request.number}/pane")
    assert f"{shop.colleague.name} is looking at it" in _page(reviewer)
    assert f"{shop.colleague.name} is looking" not in _page(as_staff(shop.colleague))


def test_a_page_costs_a_fixed_number_of_statements(
    reviewer: Client, shop: Shop, django_assert_max_num_queries: Callable[..., object]
) -> None:
    for _ in range(10):
        shop.waiting()
    # Five of them judge which rows this person may decide, whatever their number.
    with django_assert_max_num_queries(56):  # type: ignore[attr-defined]
        reviewer.get("/desk")
