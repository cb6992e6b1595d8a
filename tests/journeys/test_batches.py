"""Finance files a batch with a file, an owner lets it run; a manager limits and stops a key."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from merchants import api_keys
from merchants.models import ApiKey, KeyScope, Merchant
from merchants.principals import of_staff
from refunds.intake import batches
from refunds.models import RefundBatch, RefundRequest
from tests.browser import Held, every_look, every_look_narrow
from tests.factories import make_staff
from tests.journeys.session import sign_in
from tests.refunds.limited import sales, shop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def _fits(page: Page, name: str) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the screen"
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.fixture
def merchant() -> Merchant:
    return shop()


@every_look
def test_batch_is_filed_with_a_file_and_let_run_by_another(
    page: Page,
    live_server: object,
    axe: Callable[[Page], None],
    merchant: Merchant,
    tmp_path: Path,
    width: int,
    scheme: str,
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of two
    good, other = sales(merchant, 2)
    lines = [f"{good.pk},1000,quality,是,13800006021", f"{other.pk},99999,quality,是,", f"{other.pk},x,quality,,"]
    csv = tmp_path / "recall.csv"
    csv.write_text("transaction,amount_fen,reason,customer_consent,customer.phone\n" + "\n".join(lines) + "\n")
    sign_in(page, live_server, make_staff(merchant, "finance"))
    page.goto(f"{live_server}/desk/batches")
    axe(page)
    _fits(page, f"batches-{width}")
    page.locator("#batch-file").set_input_files(csv)
    page.locator("form[data-batch] button").click()
    page.wait_for_url("**/desk/batches/*")
    batches.work()
    page.reload()
    axe(page)
    _fits(page, f"batch-{width}")
    batch = RefundBatch.objects.get()
    sign_in(page, live_server, make_staff(merchant, "owner"))
    page.goto(f"{live_server}/desk/batches/{batch.pk}")
    page.locator("#confirm [name=window_minutes]").fill("0")
    page.locator("#confirm [name=skip_bad]").check()
    page.locator("#confirm button").click()
    expect(page.locator(".toast.ok")).to_be_visible()
    batches.work()
    number = RefundRequest.objects.get().number
    # It looks again by itself.
    expect(page.locator("#settings-cards")).to_contain_text(number)


def test_button_held_down_while_the_page_looks_again_is_pressed_when_it_is_let_go(
    page: Page, live_server: object, merchant: Merchant
) -> None:
    finance = make_staff(merchant, "finance")
    batch = batches.file(name="recall", wishes=[batches.Wish(label="x")], by=of_staff(finance), at=timezone.now())
    sign_in(page, live_server, finance)
    held = Held(page, f"**/desk/batches/{batch.pk}", wants=lambda request: "hx-request" in request.headers)
    page.goto(f"{live_server}/desk/batches/{batch.pk}")
    button = page.locator("#cancel button")
    button.hover()
    held.wait_for(1)
    page.mouse.down()
    held.let_go(1)
    page.mouse.up()
    expect(page.locator("#cancel")).to_have_count(0)
    batch.refresh_from_db()
    assert batch.state == "cancelled"


@every_look_narrow
def test_manager_limits_a_key_and_stops_it(
    page: Page, live_server: object, axe: Callable[[Page], None], merchant: Merchant, width: int, scheme: str
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of two
    owner = make_staff(merchant, "owner")
    row, _, _ = api_keys.issue(
        merchant=merchant,
        name="assistant",
        scopes=[KeyScope.REFUNDS_WRITE],
        by=of_staff(owner),
        at=timezone.now(),
        all_stores=True,
    )
    sign_in(page, live_server, owner)
    page.goto(f"{live_server}/desk/api-keys")
    page.locator(f"a[href$='/api-keys/{row.pk}/mandate']").click()
    page.locator("#limit [name=max_fen_day]").fill("1,000")
    page.locator("#limit [name=always_review]").check()
    page.locator("#limit button[type=submit]").click()
    expect(page.locator(".toast.ok")).to_be_visible()
    assert ApiKey.objects.get(pk=row.pk).mandate == {"max_fen_day": 100_000, "always_review": True}
    page.locator("#stop button").click()
    expect(page.locator(".banner.warn")).to_be_visible()
    axe(page)
    _fits(page, f"mandate-{width}")
    page.goto(f"{live_server}/desk/api-keys")
    axe(page)
    _fits(page, f"api-keys-{width}")
    page.goto(f"{live_server}/desk/api-keys/stops")
    page.locator("#stop button").click()
    expect(page.locator("#resume")).to_be_visible()
    axe(page)
    _fits(page, f"stops-{width}")
