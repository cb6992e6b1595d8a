"""A reviewer decides one refund after the other by keyboard."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect
from pytest_django import Settings

from merchants.models import Merchant, Role, Staff
from merchants.principals import of_staff
from refunds.models import PendingDecision, RefundRequest
from refunds.review import deciding
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.journeys.session import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
#: Buttons with a key of their own that a message lies over.
_COVERED = """
() => [...document.querySelectorAll("main [data-action]")].filter((one) => one.offsetParent).filter((one) => {
  const { left, top, width, height } = one.getBoundingClientRect();
  const above = document.elementFromPoint(left + width / 2, top + height / 2);
  return above && above.closest(".corner");
}).map((one) => one.dataset.action)
"""


@pytest.fixture
def merchant(settings: Settings) -> Merchant:
    # Ten seconds are over before this has decided four refunds on a busy machine.
    settings.UNDO_S = 600
    return make_merchant()


@pytest.fixture
def reviewer(merchant: Merchant, page: Page, live_server: object) -> Staff:
    """Signed in."""
    staff = make_staff(merchant, Role.REVIEWER)
    sign_in(page, live_server, staff)
    return staff


def _waiting(merchant: Merchant, number: int) -> list[RefundRequest]:
    return [make_request(make_sale(merchant, 33_980), 26_800 + one) for one in range(number)]


def _shows(page: Page, request: RefundRequest) -> None:
    expect(page.locator("#pane h2").first).to_have_text(request.number)


def test_flow_decides_one_after_the_other_and_brings_back_what_is_undone_or_refused(
    page: Page, live_server: object, merchant: Merchant, reviewer: Staff, expected_complaints: list[str], axe: object
) -> None:
    expected_complaints.append("409")
    requests = _waiting(merchant, 6)
    page.goto(f"{live_server}/desk")
    with page.expect_response(lambda answer: "ahead=1" in answer.url):
        page.keyboard.press("f")
    expect(page.locator("#queue")).to_be_hidden()
    for request, following in pairwise(requests[:4]):
        _shows(page, request)
        with page.expect_response(lambda answer: answer.request.method == "POST"):
            page.keyboard.press("a")
            page.keyboard.press("Enter")
        _shows(page, following)
        expect(page.locator(f'#undo form[data-number="{request.number}"]')).to_be_visible()
        # What can be taken back lies over no button that the next one is decided with.
        assert page.evaluate(_COVERED) == []
    axe(page)  # type: ignore[operator]
    assert set(PendingDecision.objects.values_list("request_id", flat=True)) == {one.pk for one in requests[:3]}
    # A colleague was faster: it comes back, with its dialog, and says so.
    colleague = make_staff(merchant, Role.REVIEWER)
    deciding.request_info(
        request_id=requests[3].pk, by=of_staff(colleague), at=timezone.now(), version=requests[3].version, message="?"
    )
    page.keyboard.press("r")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+Enter")
    _shows(page, requests[3])
    expect(page.locator("#dlg-reject [role=alert]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#dlg-reject")).to_be_hidden()
    # The list comes anew, without it, at the very moment at which the key is pressed.
    page.evaluate(
        """() => {
            document.getElementById("queue").addEventListener("htmx:afterSwap", () => {
                document.dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true }));
            }, { once: true });
            htmx.ajax("GET", location.pathname + location.search, { source: "#queue", target: "#list", swap: "outerHTML" });
        }"""
    )
    _shows(page, requests[4])
    # The last one that was decided is taken back, and is there again.
    page.keyboard.press("u")
    _shows(page, requests[2])
    expect(page.locator("#queue")).to_be_hidden()
    assert PendingDecision.objects.count() == 2
    # Own list: after its last one the desk goes on in the queue.
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    _shows(page, requests[4])
    page.keyboard.press("f")
    expect(page.locator("#queue")).to_be_visible()


def test_the_sign_of_waiting_never_comes_over_a_preview_that_has_just_arrived(
    page: Page, live_server: object, merchant: Merchant, reviewer: Staff
) -> None:
    requests, held, asked = _waiting(merchant, 2), list[Route](), threading.Event()
    page.clock.install()
    page.goto(f"{live_server}/desk")
    _shows(page, requests[0])

    def hold(route: Route) -> None:
        held.append(route)
        asked.set()

    page.route("**/pane*", hold)
    with page.expect_request("**/pane*"):
        page.keyboard.press("j")
        page.clock.run_for(10)
    # The sign is due at 400 ms; the preview comes just before, and settles just after.
    page.clock.run_for(380)
    assert asked.wait(30)
    held[0].continue_()
    _shows(page, requests[1])
    page.clock.run_for(15)
    _shows(page, requests[1])
    page.clock.run_for(1_000)
    _shows(page, requests[1])
    expect(page.locator("#pane[aria-busy]")).to_have_count(0)


def test_flow_ends_in_the_list_once_nothing_is_left_that_one_may_decide(
    page: Page, live_server: object, merchant: Merchant, reviewer: Staff
) -> None:
    own = _waiting(merchant, 1)[0]
    make_request(make_sale(merchant, 339_800), 330_000)
    page.goto(f"{live_server}/desk?selected={own.number}")
    _shows(page, own)
    page.keyboard.press("f")
    expect(page.locator("#queue")).to_be_hidden()
    page.keyboard.press("a")
    expect(page.locator("dialog[open]")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#toasts .toast", has_text="没有您可以审核的退款了")).to_be_visible()
    expect(page.locator("#queue")).to_be_visible()
    # And stays so.
    page.reload()
    expect(page.locator("#queue")).to_be_visible()


def test_field_that_somebody_made_larger_breaks_no_policy_when_the_next_refund_comes(
    page: Page, live_server: object, merchant: Merchant, reviewer: Staff
) -> None:
    requests = _waiting(merchant, 2)
    page.goto(f"{live_server}/desk")
    _shows(page, requests[0])
    # What the browser writes while the corner of a text field is dragged; `page` fails on a breach.
    assert page.evaluate(
        """() => {
            const fields = [...document.querySelectorAll("#pane textarea[id]")];
            fields.forEach((field) => { field.style.height = "200px"; });
            return fields.length;
        }"""
    )
    page.keyboard.press("j")
    _shows(page, requests[1])
    expect(page.locator("#pane[aria-busy]")).to_have_count(0)
