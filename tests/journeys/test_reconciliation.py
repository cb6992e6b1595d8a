"""Finance reconciles a day in a browser: finds, adopts, resolves, closes."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from reconciliation.models import Bill, Difference, ReconciliationDay
from refunds.models import RefundRequest
from simulators.kit.testing import RunningSimulator, running_simulator
from tests.browser import every_look_narrow
from tests.journeys.session import sign_in
from tests.reconciliation.test_channels import Channel, _channel
from tests.reconciliation.world import DAY, MORNING, World, counts, on_day
from tests.walk.stage import raw_statement

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world() -> World:
    """A day with one of every kind, and a day before without statement."""
    world = World()
    agreed = [world.paid(1_000 + 100 * number) for number in range(3)]
    off, _missing, flying = world.paid(1_350), world.paid(1_400), world.in_flight(1_500)
    world.imported(
        *(world.row(payout) for payout in agreed),
        world.row(off, amount_fen=1_351),
        world.row(flying, succeeded_at=None, state="PROCESSING"),
        world.portal(world.sale(), 2_000),
    )
    world.imported(day=DAY - timedelta(days=1), at=MORNING)
    return world


@pytest.fixture
def finance(world: World, page: Page, live_server: object) -> Page:
    """The browser with somebody of finance signed in."""
    sign_in(page, live_server, world.finance)
    return page


@every_look_narrow
def test_pages_fit_the_screen_and_are_accessible(
    finance: Page, live_server: object, axe: Callable[[Page], None], world: World, width: int, scheme: str
) -> None:
    finance.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    finance.set_viewport_size({"width": width, "height": 900})
    day = f"{live_server}/desk/reconciliation/{world.account.code}/{DAY}"
    difference = Difference.objects.get(kind="channel_only")
    for address in (
        f"{live_server}/desk/reconciliation",
        f"{live_server}/desk/reconciliation?do=upload",
        day,
        f"{day}?tab=matched",
        f"{day}?tab=pending",
        f"{day}?tab=channel_only&difference={difference.pk}",
    ):
        finance.goto(address)
        axe(finance)
        wide = finance.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{address} is {wide} px wider than the screen"


def test_finance_adopts_resolves_and_closes_a_day(finance: Page, live_server: object, world: World) -> None:
    finance.goto(f"{live_server}/desk/reconciliation")
    finance.get_by_role("link", name=re.compile(DAY.isoformat())).click()
    expect(finance.locator(".rec-tabs a[aria-current] .count")).to_have_text("1")

    finance.locator(".rec-tabs a", has_text=re.compile("渠道多|Only at the channel")).click()
    finance.get_by_role("link", name=re.compile("PORTAL-1")).click()
    # Enter in the note adopts nothing: what was compared has to be ticked.
    finance.locator("#dlg-difference input[name=note]").press("Enter")
    assert not RefundRequest.objects.filter(reason="operator_error").exists()
    finance.locator("#dlg-difference input[name=confirmed]").check()
    finance.get_by_role("button", name=re.compile("Adopt|补录")).click()
    expect(finance.locator("#toasts")).to_contain_text(re.compile("RF-"))
    adopted = RefundRequest.objects.get(reason="operator_error")
    assert (adopted.state, adopted.refunded_fen) == ("refunded", 2_000)

    for kind in ("amount_differs", "ours_only"):
        finance.goto(f"{live_server}/desk/reconciliation/{world.account.code}/{DAY}?tab={kind}")
        finance.locator("td.c-do a").click()
        finance.locator("#res-kind").select_option("channel_error")
        finance.locator("#res-note").fill("已报渠道，工单 4711")
        finance.locator("#dlg-difference button[type=submit]").first.click()
        expect(finance.locator("td.c-kinds")).to_contain_text("4711")
    assert not Difference.objects.filter(resolution="").exists()
    expect(finance.get_by_role("link", name=re.compile("Close the day|关账"))).to_have_count(0)

    before = f"{live_server}/desk/reconciliation/{world.account.code}/{DAY - timedelta(days=1)}"
    finance.goto(before)
    finance.get_by_role("link", name=re.compile("Close the day|关账")).click()
    # Another Enter closes the dialog, not the day.
    expect(finance.locator("#dlg-close [data-close-dialog][autofocus]")).to_be_focused()
    finance.keyboard.press("Enter")
    expect(finance.locator("#dlg-close")).to_be_hidden()
    finance.get_by_role("link", name=re.compile("Close the day|关账")).click()
    finance.locator("#dlg-close [type=submit]").click()
    expect(finance.locator(".banner.ok")).to_contain_text(world.finance.name)
    finance.get_by_role("link", name=re.compile("Reopen|重新打开")).click()
    finance.locator("#reopen-note").fill("渠道补发账单")
    finance.locator("#dlg-reopen button[type=submit]").click()
    expect(finance.locator(".banner.mute")).to_contain_text("渠道补发账单")


def test_the_day_is_taken_away_as_a_file(finance: Page, live_server: object, world: World) -> None:
    finance.goto(f"{live_server}/desk/reconciliation/{world.account.code}/{DAY}")
    with finance.expect_download() as download:
        finance.get_by_role("link", name=re.compile("Export|导出")).click()
    assert download.value.suggested_filename == f"reconciliation-{world.account.code}-{DAY}.csv"
    text = download.value.path().read_text(encoding="utf-8-sig")
    assert len(text.splitlines()) == 1 + 6 + 1


# --- with a channel's own statements ----------------------------------------------------------------------------------

YESTERDAY = DAY + timedelta(days=1)


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[Channel]:
    """A shop at a channel, with refunds of yesterday and of the day before; yesterday somebody refunded in the portal, too."""
    with running_simulator("wechat", tmp_path, settle_ms=20) as simulator:
        # Its statements come at ten: in the early hours, yesterday's would not be there.
        simulator.control("POST", "/clock", {"offset_s": 12 * 3600})
        yield _with_refunds(simulator)


def _with_refunds(simulator: RunningSimulator) -> Channel:
    channel = _channel("wechat", simulator)
    for day in (DAY, YESTERDAY):
        for number in range(3):
            channel.knows(channel.world.paid(1_000 + number, at=on_day(10 + number, day=day)))
    sale = channel.world.sale()
    channel.knows_sale(sale)
    by_portal = {
        "order_no": sale.order_no,
        "refund_no": "PORTAL20260001",
        "channel_refund_no": "5099000000001",
        "amount_fen": 2_000,
        "moved_at": on_day(15, day=YESTERDAY).isoformat(),
    }
    simulator.control("POST", "/past", {"refunds": [by_portal]})
    return channel


@pytest.mark.breaks_invariants  # the refund that stays the portal's alone
def test_yesterdays_statement_is_uploaded_another_fetched_a_difference_resolved_and_the_day_closed(
    page: Page, live_server: object, channel: Channel, tmp_path: Path
) -> None:
    world = channel.world
    file = tmp_path / f"{YESTERDAY}.csv.gz"
    file.write_bytes(raw_statement(world.account, day=YESTERDAY))
    sign_in(page, live_server, world.finance)

    # Uploaded.
    page.goto(f"{live_server}/desk/reconciliation")
    page.get_by_role("link", name=re.compile("Upload a statement|上传账单")).click()
    page.locator("#up-account").select_option(world.account.code)
    page.locator("#up-date").fill(YESTERDAY.isoformat())
    page.locator("#up-file").set_input_files(file)
    page.locator("#dlg-upload button[type=submit]").click()
    expect(page.locator("#toasts")).to_contain_text("4")
    expect(page).to_have_url(re.compile(f"/{YESTERDAY}"))
    assert counts(world.day(YESTERDAY)) == {"matched": 3, "channel_only": 1}

    # A difference resolved, the day closed.
    page.goto(f"{live_server}/desk/reconciliation/{world.account.code}/{YESTERDAY}?tab=channel_only")
    page.get_by_role("link", name=re.compile("PORTAL20260001")).click()
    page.locator("#res-kind").select_option("channel_error")
    page.locator("#res-note").fill("店长在商户平台退的，工单 4711")
    page.locator("form", has=page.locator("#res-kind")).locator("button[type=submit]").click()
    expect(page.locator("td.c-kinds")).to_contain_text("4711")
    page.get_by_role("link", name=re.compile("Close the day|关账")).click()
    page.locator("#dlg-close [type=submit]").click()
    expect(page.locator(".banner.ok")).to_contain_text(world.finance.name)
    assert world.day(YESTERDAY).state == "closed"

    # Another fetched by the button.
    ReconciliationDay.objects.create(merchant=world.merchant, channel_account=world.account, date=DAY)
    page.goto(f"{live_server}/desk/reconciliation/{world.account.code}/{DAY}")
    page.get_by_role("button", name=re.compile("Fetch now|立即下载")).click()
    expect(page.locator("#toasts")).to_contain_text("3")
    assert counts(world.day(DAY)) == {"matched": 3}
    assert Bill.objects.count() == 2
    page.get_by_role("link", name=re.compile("Close the day|关账")).click()
    page.locator("#dlg-close [type=submit]").click()
    expect(page.locator(".banner.ok")).to_contain_text(world.finance.name)
    assert world.day(DAY).state == "closed"


def test_statement_with_an_odd_row_and_a_wrong_file_are_brought_in_the_browser(
    page: Page, live_server: object, channel: Channel, tmp_path: Path
) -> None:
    world = channel.world
    plain = gzip.decompress(raw_statement(world.account, day=DAY)).decode()
    header, row, *rest = plain.splitlines(keepends=True)
    odd, wrong = tmp_path / "odd.csv", tmp_path / "wrong.csv"
    odd.write_text(header + row + re.sub(r"`\d{4}-\d\d-\d\d \d\d:", "`soon ", row) + "".join(rest), encoding="utf-8")
    wrong.write_text("<!DOCTYPE html><html>login</html>", encoding="utf-8")
    sign_in(page, live_server, world.finance)

    def bring(file: Path) -> None:
        page.goto(f"{live_server}/desk/reconciliation")
        page.get_by_role("link", name=re.compile("Upload a statement|上传账单")).click()
        page.locator("#up-account").select_option(world.account.code)
        page.locator("#up-date").fill(DAY.isoformat())
        page.locator("#up-file").set_input_files(file)
        page.locator("#dlg-upload button[type=submit]").click()

    bring(wrong)
    expect(page.locator("#toasts")).to_contain_text(re.compile("a web page|网页"))
    assert not Bill.objects.exists()
    bring(odd)
    expect(page.locator("section[aria-labelledby=h-aside]")).to_contain_text("soon")
    assert counts(world.day(DAY))["matched"] == 3
    assert Bill.objects.get().set_aside_count == 1
