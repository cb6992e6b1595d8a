"""A form is sent once, and what stood in it outlives a session that ended meanwhile."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from refunds.models import Incident
from tests.factories import make_merchant, make_staff
from tests.journeys.session import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
_PASSWORD = "fast-wie-immer-7"


def _report(page: Page, live_server: object) -> None:
    page.goto(f"{live_server}/desk/incidents?lang=en")
    page.locator("#in-title").fill("POS-02 prints nothing")
    page.locator("#in-began").fill("2026-11-26 10:00")


def test_form_clicked_twice_is_sent_once(page: Page, live_server: object) -> None:
    sign_in(page, live_server, make_staff(make_merchant(), "manager"))
    _report(page, live_server)
    page.locator("form:has(#in-title) button[type=submit]").dblclick()
    expect(page.locator("#h-affected")).to_be_visible()
    assert Incident.objects.count() == 1


def test_typed_text_comes_back_once_after_signing_in_again(page: Page, live_server: object) -> None:
    staff = make_staff(make_merchant(), "manager")
    staff.set_password(_PASSWORD)
    staff.save()
    sign_in(page, live_server, staff)
    _report(page, live_server)
    page.context.clear_cookies(name="sessionid")
    page.locator("form:has(#in-title) button[type=submit]").click()
    page.locator("#id_username").fill(staff.username)
    page.locator("#id_password").fill(_PASSWORD)
    page.locator("#id_password").press("Enter")
    expect(page.locator("#in-title")).to_have_value("POS-02 prints nothing")
    expect(page.locator("#in-began")).to_have_value("2026-11-26 10:00")
    assert not Incident.objects.exists()
    page.reload()
    expect(page.locator("#in-title")).to_have_value("")
