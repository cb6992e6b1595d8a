"""A form is sent once, and what stood in it outlives a session that ended meanwhile."""

from __future__ import annotations

import contextlib

import pytest
from django.utils import timezone
from playwright.sync_api import Error, Page, expect

from merchants.models import ApiKey, Staff
from merchants.principals import of_staff
from refunds.goods import offers
from refunds.models import Incident, RefundRequest
from tests.factories import make_merchant, make_request, make_sale, make_staff
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


def _sign_in_again(page: Page, staff: Staff) -> None:
    page.locator("#id_username").fill(staff.username)
    page.locator("#id_password").fill(_PASSWORD)
    page.locator("#id_password").press("Enter")


def test_decision_half_written_comes_back_in_its_dialog_after_signing_in_again(
    page: Page, live_server: object, expected_complaints: list[str]
) -> None:
    expected_complaints.append("401")
    merchant = make_merchant()
    staff = make_staff(merchant, "manager")
    staff.set_password(_PASSWORD)
    staff.save()
    request = make_request(make_sale(merchant, 33_980), 26_800)
    sign_in(page, live_server, staff)
    page.goto(f"{live_server}/desk/refunds/{request.number}?lang=en")
    page.locator('[data-dialog="dlg-reject"]').first.click()
    page.locator("#reject-reason").select_option("goods_used")
    page.locator("#reject-message").fill("The seal is broken, see picture 2.")
    page.context.clear_cookies(name="sessionid")
    page.locator("#dlg-reject button[type=submit]").click()
    page.locator("#dlg-reject .form-error a").click()
    _sign_in_again(page, staff)
    expect(page.locator("#dlg-reject[open]")).to_be_visible()
    expect(page.locator("#reject-message")).to_have_value("The seal is broken, see picture 2.")
    expect(page.locator("#reject-reason")).to_have_value("goods_used")
    expect(page.locator("#dlg-reject .banner.warn")).to_be_visible()


def test_form_that_is_sent_without_a_line_stays_as_it_is(
    page: Page, live_server: object, expected_complaints: list[str]
) -> None:
    # The server is looked for before it is said that there is no line.
    expected_complaints.append("ERR_INTERNET_DISCONNECTED .*/healthz")
    sign_in(page, live_server, make_staff(make_merchant(), "manager"))
    _report(page, live_server)
    page.context.set_offline(offline=True)
    send = page.locator("form:has(#in-title) button[type=submit]")
    send.click()
    send.click()
    expect(page.locator("form:has(#in-title) [data-offline]")).to_have_count(1)
    expect(page.locator("#in-title")).to_have_value("POS-02 prints nothing")
    page.context.set_offline(offline=False)
    send.click()
    expect(page.locator("#h-affected")).to_be_visible()
    assert Incident.objects.count() == 1


def test_form_is_sent_where_the_server_is_there_whatever_the_browser_says_of_the_line(
    page: Page, live_server: object
) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'onLine', { get: () => false })")
    sign_in(page, live_server, make_staff(make_merchant(), "manager"))
    _report(page, live_server)
    page.locator("form:has(#in-title) button[type=submit]").click()
    expect(page.locator("#h-affected")).to_be_visible()
    assert Incident.objects.count() == 1


def test_form_that_got_no_answer_has_what_was_typed_for_whoever_goes_back(page: Page, live_server: object) -> None:
    merchant = make_merchant()
    sign_in(page, live_server, make_staff(merchant, "manager"))
    number = make_request(make_sale(merchant, 33_980), 26_800).number
    page.goto(f"{live_server}/desk/refunds/{number}?lang=en")
    page.locator("details:has(#agree-amount) > summary").click()
    page.locator("#agree-amount").fill("120.00")
    form = page.locator("form:has(#agree-amount)")
    page.route("**/agree", lambda route: route.abort())
    with contextlib.suppress(Error):
        form.evaluate("(form) => { form.noValidate = true; form.requestSubmit(); }")
        page.wait_for_url("chrome-error://**", timeout=10_000)
    page.unroute("**/agree")
    page.go_back()
    expect(page.locator("#agree-amount")).to_have_value("120.00")
    expect(form.locator(".banner.warn")).to_be_visible()


def test_key_is_refused_with_all_that_was_typed_and_made_once_however_often_its_page_is_loaded(
    page: Page, live_server: object, expected_complaints: list[str]
) -> None:
    expected_complaints.append("422")
    merchant = make_merchant()
    sign_in(page, live_server, make_staff(merchant, "owner"))
    page.goto(f"{live_server}/desk/api-keys?lang=en")
    page.locator("#key-name").fill("Till 7")
    page.locator("#key-store").select_option("S001")
    page.locator("[name=signed]").check()
    issue = page.locator("form:has(#key-name) button[type=submit]")
    issue.click()
    expect(page.locator("main .banner.bad")).to_be_visible()
    expect(page.locator("#key-name")).to_have_value("Till 7")
    expect(page.locator("#key-store")).to_have_value("S001")
    expect(page.locator("[name=signed]")).to_be_checked()
    page.locator("[name=scopes]").first.check()
    issue.click()
    expect(page.locator("[data-issued-key]")).to_be_visible()
    page.reload()
    expect(page.locator("[data-issued-key]")).to_have_count(0)
    assert ApiKey.objects.filter(merchant=merchant, name="Till 7").count() == 1


def test_enter_gives_none_of_several_answers(page: Page, live_server: object) -> None:
    merchant = make_merchant()
    staff = make_staff(merchant, "manager")
    request = make_request(make_sale(merchant, 33_980), 26_800)
    offers.offer(
        request_id=request.pk,
        kind="exchange",
        message="?",
        by=of_staff(staff),
        at=timezone.now(),
        version=request.version,
    )
    sign_in(page, live_server, staff)
    page.goto(f"{live_server}/desk/refunds/{request.number}?lang=en")
    page.locator("#offer-order").fill("A-2")
    page.locator("#offer-order").press("Enter")
    page.wait_for_timeout(300)
    expect(page.locator("#offer-order")).to_have_value("A-2")
    assert RefundRequest.objects.get(pk=request.pk).state == "in_review"
