"""The strip with what can still be taken back."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from refunds.models import PendingDecision, RefundRequest
from tests.desk.conftest import Shop


@pytest.fixture(autouse=True)
def _as_long_as_it_takes(settings: Settings) -> None:
    settings.UNDO_S = 600


def _state(request: RefundRequest) -> str:
    return str(RefundRequest.objects.values_list("state", flat=True).get(pk=request.pk))


def test_decided_at_the_desk_is_shown_with_its_undo_and_leaves_the_lists(reviewer: Client, shop: Shop) -> None:
    request, other = shop.waiting(), shop.waiting()
    answer = reviewer.post(
        f"/desk/refunds/{request.number}/approve",
        {"version": request.version, "amount": "100", "return_to": f"/desk?selected={other.number}"},
        follow=True,
    )
    assert (_state(request), PendingDecision.objects.count()) == ("in_review", 1)
    (shown,) = answer.context["shell"].undoable
    assert (shown.number, "100.00" in shown.said) == (request.number, True)
    assert f'action="/desk/refunds/{request.number}/undo"' in answer.content.decode()
    assert [row.number for row in answer.context["rows"]] == [other.number]
    assert answer.context["views"][0].count == 1
    page = reviewer.get(f"/desk/refunds/{request.number}").context["refund"]
    assert (page.actions.approve, page.actions.reject, bool(page.actions.blocked)) == ("", "", True)


def test_undo_brings_it_back_onto_ones_desk(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    reviewer.post(
        f"/desk/refunds/{request.number}/reject",
        {"version": request.version, "reason_code": "no_proof", "message": "没有小票"},
    )
    answer = reviewer.post(
        f"/desk/refunds/{request.number}/undo", {"return_to": f"/desk?view=mine&selected={request.number}"}, follow=True
    )
    assert (_state(request), PendingDecision.objects.exists()) == ("in_review", False)
    assert [row.number for row in answer.context["rows"]] == [request.number]
    assert not answer.context["shell"].undoable


def test_undo_when_it_is_too_late_says_so(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    answer = reviewer.post(f"/desk/refunds/{request.number}/undo", headers={"hx-request": "true"})
    assert (answer.status_code, answer["Refused"]) == (409, "1")


def test_who_stays_on_the_page_gets_the_strip_alone(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    headers = {"hx-request": "true", "stays": "1"}
    answer = reviewer.post(f"/desk/refunds/{request.number}/approve", {"version": request.version}, headers=headers)
    text = answer.content.decode()
    assert (answer.status_code, "<html" in text, request.number in text) == (200, False, True)
    asked = shop.waiting()
    answer = reviewer.post(
        f"/desk/refunds/{asked.number}/info", {"version": asked.version, "message": "photo"}, headers=headers
    )
    assert (asked.number in answer["HX-Trigger"], _state(asked)) == (True, "needs_info")
