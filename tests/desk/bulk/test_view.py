"""The same decision for many."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from merchants.models import Staff
from refunds.models import RefundRequest
from refunds.review import pending
from tests.desk.conftest import Shop, two_eyes
from tests.factories import make_merchant, make_request, make_sale

SignIn = Callable[[Staff], Client]


HTMX = {"hx-request": "true"}


def _keys(dry_run: object) -> list[str]:
    """What the dialog sends: what would be done, in the versions that were looked at."""
    return [item.key for item in dry_run.context["allowed"]]  # type: ignore[attr-defined]


def test_bulk_dry_run_promises_what_then_happens(reviewer: Client, shop: Shop) -> None:
    fine = [shop.waiting(), shop.waiting(21_000)]
    own = shop.waiting(by=shop.reviewer)
    keys = [request.number for request in (*fine, own)]
    answer = reviewer.post("/desk/bulk", {"keys": keys, "action": "approve"}, headers={"hx-request": "true"})
    assert (len(answer.context["allowed"]), answer.context["total_fen"]) == (2, 47_800)
    assert [item.number for item in answer.context["refused"]] == [own.number]
    assert set(RefundRequest.objects.values_list("state", flat=True)) == {"in_review"}
    confirmed = {"keys": _keys(answer), "action": "approve", "confirm": "1"}
    page = reviewer.post("/desk/bulk", confirmed, follow=True).content.decode()
    assert "2 refunds approved." in page
    states = dict(RefundRequest.objects.values_list("number", "state"))
    assert states == {fine[0].number: "approved", fine[1].number: "approved", own.number: "in_review"}


def test_bulk_confirms_only_the_versions_of_the_dry_run(reviewer: Client, shop: Shop, as_staff: SignIn) -> None:
    request = shop.waiting()
    keys = _keys(reviewer.post("/desk/bulk", {"keys": [request.number], "action": "approve"}))
    as_staff(shop.colleague).post(
        f"/desk/refunds/{request.number}/info", {"version": request.version, "message": "a photo, please"}
    )
    page = reviewer.post("/desk/bulk", {"keys": keys, "action": "approve", "confirm": "1"}, follow=True)
    assert "changed this refund meanwhile" in page.content.decode()
    assert RefundRequest.objects.get().state == "needs_info"


def test_bulk_reject_asks_for_reason_and_words(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    answer = reviewer.post("/desk/bulk", {"keys": [request.number], "action": "reject"})
    assert "reason_code" in answer.content.decode()
    reviewer.post("/desk/bulk", {"keys": _keys(answer), "action": "reject", "confirm": "1"})
    assert RefundRequest.objects.get().state == "in_review"
    said = {"reason_code": "no_proof", "message": "Sorry"}
    reviewer.post("/desk/bulk", {"keys": _keys(answer), "action": "reject", "confirm": "1", **said})
    assert RefundRequest.objects.get().state == "rejected"


def test_bulk_of_another_merchants_numbers_does_nothing(reviewer: Client) -> None:
    foreign = make_request(make_sale(make_merchant(), 33_980), 26_800)
    answer = reviewer.post("/desk/bulk", {"keys": [foreign.number], "action": "approve"})
    assert (answer.context["allowed"], answer.context["refused"]) == ([], [])
    reviewer.post("/desk/bulk", {"keys": [foreign.number], "action": "approve", "confirm": "1"})
    assert RefundRequest.objects.get().state == "in_review"


def test_bulk_decision_is_refused_in_its_dialog(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    values = {"action": "reject", "confirm": "1", "keys": request.number, "message": ""}
    answer = reviewer.post("/desk/bulk", values, headers=HTMX)
    assert (answer.status_code, answer["Refused"]) == (422, "1")
    done = reviewer.post("/desk/bulk", {"action": "claim", "confirm": "1", "keys": request.number}, headers=HTMX)
    assert (done.status_code, done["HX-Redirect"]) == (204, "/desk")


def test_bulk_approve_when_two_are_needed_gives_first_approvals_only(shop: Shop, as_staff: SignIn) -> None:
    two_eyes(shop)
    rows = [shop.waiting(), shop.waiting()]
    for staff, said, state in (
        (shop.reviewer, "2 refunds have 1 of 2 approvals.", "in_review"),
        (shop.colleague, "2 refunds approved.", "approved"),
    ):
        client = as_staff(staff)
        form = {"keys": [row.number for row in rows], "action": "approve"}
        dry_run = client.post("/desk/bulk", form, headers=HTMX)
        confirmed = {**form, "keys": _keys(dry_run), "confirm": "1"}
        assert said in client.post("/desk/bulk", confirmed, follow=True).content.decode()
        assert set(RefundRequest.objects.values_list("state", flat=True)) == {state}


def test_bulk_decisions_wait_like_single_ones_and_are_taken_back_at_once(
    reviewer: Client, shop: Shop, settings: Settings
) -> None:
    settings.UNDO_S = 600
    rows = [shop.waiting(), shop.waiting(21_000)]
    dry_run = reviewer.post("/desk/bulk", {"keys": [row.number for row in rows], "action": "approve"})
    confirmed = {"keys": _keys(dry_run), "action": "approve", "confirm": "1"}
    page = reviewer.post("/desk/bulk", confirmed, follow=True)
    (strip,) = page.context["shell"].undoable
    assert strip.said == "2 refunds are approved: ¥478.00 in all."
    assert set(RefundRequest.objects.values_list("state", flat=True)) == {"in_review"}
    back = reviewer.post("/desk/bulk", {"action": "undo", "confirm": "1", "keys": strip.numbers}, follow=True)
    assert "2 refunds are on your desk again" in back.content.decode()
    assert pending.take_effect(at=timezone.now() + timedelta(seconds=601)) == 0
    reviewer.post("/desk/bulk", {**confirmed, "keys": [row.number for row in rows]})
    assert pending.take_effect(at=timezone.now() + timedelta(seconds=601)) == 2
    assert set(RefundRequest.objects.values_list("state", flat=True)) == {"approved"}
