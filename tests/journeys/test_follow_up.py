"""After the money, in a browser: an incident from the report to the lesson, a call back, and a transfer by the bank's file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from refunds.models import CustomerReport, Execution, Incident, Notification, RefundRequest
from refunds.states import Route
from tests.browser import arrive, every_look, every_look_narrow
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.journeys.session import sign_in
from tests.refunds import hand

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def _submit(page: Page, field: str) -> None:
    page.locator(f"form:has({field}) button[type=submit]").last.click()
    # What is filled in next belongs to the page that this leads to.
    arrive(page)


@every_look
def test_incident_is_reported_apologised_for_and_closed_as_a_lesson(
    page: Page, live_server: object, axe: Callable[..., None], width: int, scheme: str
) -> None:
    merchant = make_merchant(rules=hand.BY_HAND_RULES)
    manager = make_staff(merchant, "manager")
    request = make_request(make_sale(merchant, 10_000), phone="13912345678")
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    sign_in(page, live_server, manager)
    page.goto(f"{live_server}/desk/incidents")
    page.locator("#in-title").fill("收银机黑屏")
    page.locator("#in-began").fill(f"{timezone.localtime() - timedelta(hours=2):%Y-%m-%dT%H:%M}")
    page.locator("#in-store").select_option("S001")
    axe(page)
    _submit(page, "#in-title")
    expect(page.locator(f"a[href$='/desk/refunds/{request.number}']")).to_be_visible()
    page.locator("form[action$='/apologise'] button").click()
    expect(page.locator("input[name=confirmed]")).to_have_count(1)
    axe(page)
    page.locator("form[action$='/apologise'] button").click()
    expect(page.locator("input[name=confirmed]")).to_have_count(0)
    assert Notification.objects.filter(event="apology").count() == 1
    page.locator("#in-provider").fill("拉卡拉")
    page.locator("#in-cost").fill("120")
    _submit(page, "#in-provider")
    page.locator("#in-words").fill("明天换机")
    _submit(page, "#in-words")
    page.locator("#in-cause").select_option("till")
    page.locator("#in-prevention").fill("备用机")
    axe(page)
    _submit(page, "#in-prevention")
    expect(page.locator("#in-prevention")).to_have_count(0)
    assert Incident.objects.get().state == "closed"
    page.goto(f"{live_server}/desk/incidents")
    expect(page.locator("#h-lessons")).to_be_visible()
    axe(page)

    page.goto(f"{live_server}/desk/tasks")
    page.locator("#task-number").fill(request.number)
    page.locator("#task-kind").select_option("call_back")
    page.locator("#task-words").fill("问是否到账")
    _submit(page, "#task-words")
    expect(page.get_by_text("问是否到账")).to_be_visible()
    axe(page)
    task = CustomerReport.objects.get()
    page.locator(f"#outcome-{task.pk}").fill("已到账")
    _submit(page, f"#outcome-{task.pk}")
    expect(page.locator(f"#outcome-{task.pk}")).to_have_count(0)


@every_look_narrow
def test_transfer_goes_to_the_bank_by_the_file_comes_back_and_is_paid_again(
    page: Page, live_server: object, axe: Callable[..., None], width: int, scheme: str, tmp_path: Path
) -> None:
    request = hand.waiting(Route.BANK_TRANSFER)
    finance, manager = (make_staff(request.merchant, role) for role in ("finance", "manager"))
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    sign_in(page, live_server, finance)
    page.goto(f"{live_server}/desk/transfers")
    page.locator("form[action$='/export'] button").click()
    with page.expect_download() as taken:
        page.locator("button[value=csv]").click()
    number = Execution.objects.get(request=request).refund_no
    assert number in taken.value.path().read_text()
    text = f"业务参考号,交易结果,银行流水号\n{number},成功,B-1\n别的,成功,B-2\n"
    result = tmp_path / "r.csv"
    result.write_text(text)
    page.locator("#result-file").set_input_files(result)
    page.locator("form:has(#result-file) button").first.click()
    expect(page.locator("#h-results")).to_be_visible()
    axe(page)
    assert RefundRequest.objects.get().state == "manual_pending"
    # What was brought once is not asked for again.
    page.locator("form:has([name=kept]) button").click()
    expect(page.locator("[name=kept]")).to_have_count(0)
    arrive(page)
    expect(page.locator("#h-results")).to_be_visible()
    assert RefundRequest.objects.get().state == "refunded"
    page.locator("#back-number").fill(request.number)
    page.locator("#back-trouble").select_option("payee_wrong")
    _submit(page, "#back-number")
    expect(page.locator(f".msg a[href$='/desk/refunds/{request.number}']")).to_be_visible()
    sign_in(page, live_server, manager)
    page.goto(f"{live_server}/desk/transfers")
    page.locator("input[name=reference_no]").fill("B-7")
    axe(page)
    _submit(page, "input[name=reference_no]")
    expect(page.locator("input[name=reference_no]")).to_have_count(0)
