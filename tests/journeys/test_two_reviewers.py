"""Two reviewers work through one queue by keyboard at the same time: neither is shown what the other decides."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from merchants.models import Merchant, Role, Staff
from refunds.models import PendingDecision, RefundRequest
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.journeys.session import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

#: Decided by one of them, with two keys each.
_DECISIONS, _KEYS = 30, 60
_REFUSED = {409, 422}


@pytest.fixture
def merchant(settings: Settings) -> Merchant:
    # Ten seconds are over before this has decided all on a busy machine.
    settings.UNDO_S = 3600
    return make_merchant()


class Reviewer:
    """A person with a browser, whose keys are counted."""

    def __init__(self, page: Page, live_server: object, staff: Staff) -> None:
        self.page, self.staff, self.keys = page, staff, 0
        self.answers: list[int] = []
        sign_in(page, live_server, staff)
        page.on("response", lambda answer: self._note(answer.request.method, answer.url, answer.status))
        page.goto(f"{live_server}/desk")

    def _note(self, method: str, url: str, status: int) -> None:
        if method == "POST" and url.endswith("/approve"):
            self.answers.append(status)

    @property
    def shown(self) -> str:
        return self.page.locator("#pane h2").first.inner_text()

    def press(self, key: str) -> None:
        self.keys += 1
        self.page.keyboard.press(key)

    def approve(self) -> str:
        """What stands there; returns its number, with the next one there or the work at its end."""
        pane, number = self.page.locator("#pane:not([aria-busy])"), self.shown
        expect(pane).to_have_count(1)
        self.press("a")
        expect(self.page.locator("#dlg-approve[open]")).to_be_visible()
        with self.page.expect_response(lambda answer: answer.url.endswith(f"{number}/approve")):
            self.press("Enter")
        expect(self.page.locator("#pane h2").first).not_to_have_text(number)
        expect(pane).to_have_count(1)
        return number


# Sixty decisions in two browsers: too long for every day.
@pytest.mark.looks
def test_thirty_refunds_take_sixty_keys_while_a_colleague_decides_others(
    browser: Browser,
    browser_context_args: dict[str, Any],
    page: Page,
    live_server: object,
    merchant: Merchant,
) -> None:
    for one in range(2 * _DECISIONS + 4):
        make_request(make_sale(merchant, 33_980), 20_000 + one)
    # One who goes from one to the next does so tomorrow, too.
    page.goto(f"{live_server}/login")
    page.evaluate("localStorage.setItem('flow', 'on')")
    first = Reviewer(page, live_server, make_staff(merchant, Role.REVIEWER))
    context = browser.new_context(**browser_context_args)
    try:
        second = Reviewer(context.new_page(), live_server, make_staff(merchant, Role.REVIEWER))
        second.press("f")
        decided: dict[str, list[str]] = {"first": [], "second": []}
        for _ in range(_DECISIONS):
            assert first.shown != second.shown
            decided["first"].append(first.approve())
            decided["second"].append(second.approve())
    finally:
        context.close()
    assert first.keys == _KEYS
    assert not set(decided["first"]) & set(decided["second"])
    assert not _REFUSED & {*first.answers, *second.answers}
    assert len(first.answers) == len(second.answers) == _DECISIONS
    for who, numbers in ((first, decided["first"]), (second, decided["second"])):
        rows = RefundRequest.objects.filter(number__in=numbers)
        assert PendingDecision.objects.filter(request__in=rows, staff=who.staff).count() == _DECISIONS
